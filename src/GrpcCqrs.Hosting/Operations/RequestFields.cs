using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Operations;

namespace GrpcCqrs.Hosting.Operations;

/// <summary>Collects the field violations of an operator's request.</summary>
internal sealed class RequestFields
{
    /// <summary>No projection has a longer name, so longer ones are rejected without a look-up.</summary>
    private const int MaxNameLength = 100;

    /// <summary>More than any service has.</summary>
    private const int MaxNames = 1_000;

    private readonly List<FieldViolation> problems = [];

    public RequestFields Require(bool condition, string field, string description)
    {
        if (!condition)
        {
            problems.Add(new FieldViolation(field, description));
        }

        return this;
    }

    /// <summary>The projection of a request.</summary>
    public RequestFields Projection(string name) => Name(name, "projection");

    /// <summary>The reader of the log that a request is about.</summary>
    public RequestFields Reader(string name, bool isRequired) => Require(
        name.Length == 0 ? !isRequired : ParkedEventOperations.IsReader(name), "reader", "Must be projections/NAME or consumerGroups/NAME.");

    /// <summary>The projections of a request; empty means all.</summary>
    public RequestFields Projections(IReadOnlyList<string> names)
    {
        if (names.Count > MaxNames)
        {
            return Require(false, "projections", string.Create(CultureInfo.InvariantCulture, $"Must be at most {MaxNames}."));
        }

        for (var index = 0; index < names.Count; index++)
        {
            var field = string.Create(CultureInfo.InvariantCulture, $"projections[{index}]");
            Name(names[index], field).Require(!names.Take(index).Contains(names[index], StringComparer.Ordinal), field, "Must be named once only.");
        }

        return this;
    }

    /// <summary>A stream's name.</summary>
    /// <param name="text">The name; empty for none.</param>
    /// <param name="field">The field.</param>
    /// <param name="isRequired">Whether it is required.</param>
    /// <param name="stream">The stream; null if there is none or it is malformed.</param>
    public RequestFields Stream(string text, string field, bool isRequired, out StreamId? stream)
    {
        stream = null;
        if (text.Length == 0)
        {
            return Require(!isRequired, field, "Must be given.");
        }

        stream = StreamId.TryParse(text, out var parsed) ? parsed : null;
        return Require(stream is not null, field, StreamId.Form);
    }

    public RequestFields PageSize(int size, int max) =>
        Require(size >= 0 && size <= max, "page_size", string.Create(CultureInfo.InvariantCulture, $"Must be 1-{max}, or 0 for the default."));

    /// <exception cref="RejectedException"><see cref="EngineErrors.InvalidFields"/>.</exception>
    public void ThrowIfInvalid()
    {
        if (problems.Count > 0)
        {
            throw RejectedException.Invalid(problems);
        }
    }

    private RequestFields Name(string name, string field) =>
        Require(name.Length is >= 1 and <= MaxNameLength, field, string.Create(CultureInfo.InvariantCulture, $"Must be a projection's name, 1-{MaxNameLength} characters."));
}
