using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

public sealed class TokenTests
{
    private readonly TokenSealer sealer = NewStore();

    [Fact]
    public void A_consistency_token_gives_back_its_position()
    {
        var tokens = new ConsistencyTokens(sealer);
        Prop.ForAll(ArbMap.Default.ArbFor<long>(), position => tokens.Read(tokens.Write(position)) == position).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_page_token_gives_back_its_place_for_the_same_query_and_filters_only()
    {
        var tokens = new PageTokens(sealer);
        Prop.ForAll(ArbMap.Default.ArbFor<long>(), ArbMap.Default.ArbFor<NonNull<string>>(), (number, text) =>
        {
            var written = text.Get.Where(c => !char.IsSurrogate(c)).ToArray();
            var token = tokens.Write("Query", "filters", number, new string(written));
            return tokens.Read("Query", "filters", token) == (number, new string(written));
        }).QuickCheckThrowOnFailure();

        var other = tokens.Write("Query", "filters", 1, "text");
        Assert.Null(tokens.Read("Query", "filters", ""));
        AssertRefused(EngineErrors.PageTokenInvalid, () => tokens.Read("Query", "other filters", other));
        AssertRefused(EngineErrors.PageTokenInvalid, () => tokens.Read("Other", "filters", other));
        AssertRefused(EngineErrors.PageTokenInvalid, () => new PageTokens(NewStore()).Read("Query", "filters", other));
    }

    [Fact]
    public void A_token_with_any_character_changed_cut_or_added_is_refused()
    {
        var tokens = new ConsistencyTokens(sealer);
        var token = tokens.Write(1_234_567);
        for (var index = 0; index < token.Length; index++)
        {
            // The last character also holds bits that belong to no byte, so the change must be one that the bytes show.
            var other = token[index] == 'Q' ? 'g' : 'Q';
            AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => tokens.Read(token[..index] + other + token[(index + 1)..]));
            AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => tokens.Read(token[..index]));
        }

        AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => tokens.Read(token + "AAAA"));
        AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => tokens.Read("not a token, ünïcode"));
        AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => tokens.Read(new string('A', 1_000_000)));
        AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => new ConsistencyTokens(NewStore()).Read(token));
        AssertRefused(EngineErrors.ConsistencyTokenInvalid, () => tokens.Read(new PageTokens(sealer).Write("consistency", "", 1, "")));
    }

    [Fact]
    public void Tokens_cannot_be_made_before_the_store_is_open() =>
        Assert.Throws<InvalidOperationException>(() => new ConsistencyTokens(new TokenSealer(new StoreIdentity())).Write(1));

    private static TokenSealer NewStore()
    {
        var identity = new StoreIdentity();
        identity.Set(Guid.CreateVersion7(), RandomNumberGenerator.GetBytes(32));
        return new TokenSealer(identity);
    }

    private static void AssertRefused(ErrorCode code, Action action)
    {
        var rejection = Assert.Throws<RejectedException>(action);
        Assert.Equal(code, rejection.Code);
        Assert.NotEmpty(rejection.Fields);
    }
}
