using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace GrpcCqrs.Storage.Tests;

/// <summary>
/// Reads SQL Server texts with Microsoft's own parser, at SQL Server 2019, the oldest version that is supported: what is newer is a
/// syntax error. On the tree it looks for what the dialect must not use.
/// </summary>
internal static class TransactSql
{
    /// <summary>A request takes 2,100 parameters, of which the driver needs two for the text and the declarations.</summary>
    private const int MaxParameters = 2_098;

    /// <summary>The tree of a text.</summary>
    /// <exception cref="FormatException">It is none of SQL Server 2019.</exception>
    public static TSqlFragment Parse(string text)
    {
        var fragment = new TSql150Parser(initialQuotedIdentifiers: true).Parse(new StringReader(text), out var errors);
        return errors.Count == 0 ? fragment : throw new FormatException(string.Join("; ", errors.Select(error => error.Message)));
    }

    /// <summary>What is wrong with a text that is sent with parameters; empty for nothing.</summary>
    /// <param name="text">One request, or one batch of a script.</param>
    /// <param name="parameters">The names of its parameters with the marker; null where they are not known.</param>
    public static IReadOnlyList<string> FaultsOf(string text, IReadOnlyCollection<string>? parameters)
    {
        try
        {
            var rules = new Rules(parameters);
            Parse(text).Accept(rules);
            return [.. rules.Faults, .. parameters?.Count > MaxParameters ? [$"{parameters.Count} parameters"] : Array.Empty<string>()];
        }
        catch (FormatException exception)
        {
            return [exception.Message];
        }
    }

    private sealed class Rules(IReadOnlyCollection<string>? parameters) : TSqlFragmentVisitor
    {
        /// <summary>The functions in use. All are in SQL Server 2019; one that is added has to be looked up.</summary>
        private static readonly HashSet<string> Functions = new(StringComparer.OrdinalIgnoreCase)
        {
            "COUNT", "COUNT_BIG", "MIN", "MAX", "SUBSTRING", "DATALENGTH", "DB_ID", "DB_NAME", "OBJECT_ID", "SERVERPROPERTY", "QUOTENAME", "SCHEMA_NAME",
        };

        /// <summary>Empty after a DECLARE has been seen in a script, whose batches have no parameters.</summary>
        private readonly HashSet<string> declared = new(parameters ?? [], StringComparer.OrdinalIgnoreCase);

        public List<string> Faults { get; } = [];

        public override void Visit(MergeSpecification node) => Faults.Add("MERGE");

        /// <summary>None is allowed, be it for more locks (HOLDLOCK, SERIALIZABLE, XLOCK) or for fewer (NOLOCK).</summary>
        public override void Visit(TableHint node) => Faults.Add($"table hint {node.HintKind}");

        public override void Visit(SetTransactionIsolationLevelStatement node) => Faults.Add($"isolation level {node.Level}");

        public override void Visit(DistinctPredicate node) => Faults.Add("IS [NOT] DISTINCT FROM");

        public override void Visit(FunctionCall node) => Check(node.FunctionName.Value);

        public override void Visit(GlobalFunctionTableReference node) => Faults.Add($"function {node.Name.Value}");

        public override void Visit(SchemaObjectFunctionTableReference node) => Faults.Add($"function {node.SchemaObject.BaseIdentifier.Value}");

        /// <summary>A type that the parser does not know is a user's to it: <c>json</c> and <c>vector</c> are newer.</summary>
        public override void Visit(UserDataTypeReference node) => Faults.Add($"type {node.Name.BaseIdentifier.Value}");

        public override void Visit(ExecuteSpecification node)
        {
            // The text of a dynamic statement is not read here; the migrations wrap what must be compiled later in it.
            if (node.ExecutableEntity is ExecutableProcedureReference { ProcedureReference.ProcedureReference.Name.BaseIdentifier.Value: var procedure })
            {
                Check(procedure);
            }
        }

        public override void Visit(DeclareVariableElement node) => declared.Add(node.VariableName.Value);

        public override void Visit(VariableReference node)
        {
            if (parameters is not null && !declared.Contains(node.Name))
            {
                Faults.Add($"{node.Name} is not declared");
            }
        }

        private void Check(string function)
        {
            if (!Functions.Contains(function))
            {
                Faults.Add($"function {function}");
            }
        }
    }
}
