using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace StandIns.Tests.References;

/// <summary>
/// Builds the metadata of an assembly that refers to the SQLite stand-in: rightly, to what does not exist, with a wrong
/// signature, and to what is not public.
/// </summary>
internal static class WrongReferences
{
    internal static readonly string[] Expected =
    [
        "[SQLitePCLRaw.core] SQLitePCL.Batteries_V2",
        "[SQLitePCLRaw.core] SQLitePCL.Utf8Buffer",
        "[SQLitePCLRaw.core] SQLitePCL.raw::sqlite3_step : static Int64 `0(SQLitePCL.sqlite3_stmt)",
        "[SQLitePCLRaw.core] SQLitePCL.raw::sqlite3_stop : static Int32 `0(SQLitePCL.sqlite3_stmt)",
        "[SQLitePCLRaw.core] SQLitePCL.raw::sqlite3_step : static Int32 `0(valuetype SQLitePCL.sqlite3_stmt)",
        "[SQLitePCLRaw.core] SQLitePCL.raw::Step : static Int32 `0(SQLitePCL.sqlite3_stmt)",
    ];

    internal static ImmutableArray<byte> Build()
    {
        var metadata = new MetadataBuilder();
        metadata.AddModule(0, metadata.GetOrAddString("wrong.dll"), metadata.GetOrAddGuid(Guid.Empty), default, default);
        metadata.AddAssembly(metadata.GetOrAddString("wrong"), new Version(1, 0), default, default, default, AssemblyHashAlgorithm.None);
        metadata.AddTypeDefinition(
            default, default, metadata.GetOrAddString("<Module>"), default, MetadataTokens.FieldDefinitionHandle(1), MetadataTokens.MethodDefinitionHandle(1));
        var core = metadata.AddAssemblyReference(
            metadata.GetOrAddString("SQLitePCLRaw.core"), new Version(2, 1, 13, 0), default, default, default, default);
        var raw = Type("raw");
        var statement = Type("sqlite3_stmt");
        Type("Batteries_V2");
        Type("Utf8Buffer");
        Method("sqlite3_step", returns => returns.Int32());
        Method("sqlite3_step", returns => returns.Int64());
        Method("sqlite3_stop", returns => returns.Int32());
        Method("sqlite3_step", returns => returns.Int32(), isValueType: true);
        Method("Step", returns => returns.Int32());

        var built = new BlobBuilder();
        new MetadataRootBuilder(metadata).Serialize(built, methodBodyStreamRva: 0, mappedFieldDataStreamRva: 0);
        return built.ToImmutableArray();

        TypeReferenceHandle Type(string name) =>
            metadata.AddTypeReference(core, metadata.GetOrAddString("SQLitePCL"), metadata.GetOrAddString(name));

        void Method(string name, Action<SignatureTypeEncoder> returns, bool isValueType = false)
        {
            var signature = new BlobBuilder();
            new BlobEncoder(signature).MethodSignature().Parameters(
                parameterCount: 1,
                type => returns(type.Type()),
                parameters => parameters.AddParameter().Type().Type(statement, isValueType));
            metadata.AddMemberReference(raw, metadata.GetOrAddString(name), metadata.GetOrAddBlob(signature));
        }
    }
}
