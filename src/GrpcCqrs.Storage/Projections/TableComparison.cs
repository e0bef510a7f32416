using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Projections;

/// <summary>Compares two generations of a projection at the same position.</summary>
internal sealed class TableComparison(ReadDatabase database)
{
    /// <summary>The most differing rows that a report names.</summary>
    private const int MaxNamed = 5;

    /// <summary>
    /// Starts a comparison of what is committed when this method returns. It runs in parallel to the writer; neither
    /// blocks the other.
    /// </summary>
    /// <returns>The differences, in words; empty if there are none.</returns>
    public async Task<Task<IReadOnlyList<string>>> StartAsync(IProjection projection, int generation, int other, CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var snapshot = await database.Provider.BeginSnapshotAsync(connection, cancellationToken);

            // The first read fixes the snapshot.
            await GenerationStore.ReadAsync(database.Provider, connection, snapshot, cancellationToken);
            return Task.Run<IReadOnlyList<string>>(
                async () =>
                {
                    await using (connection)
                    await using (snapshot)
                    {
                        return await CompareAsync(projection, generation, other, snapshot, cancellationToken);
                    }
                },
                CancellationToken.None);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<IReadOnlyList<string>> CompareAsync(
        IProjection projection, int generation, int other, DbTransaction snapshot, CancellationToken cancellationToken)
    {
        var differences = new List<string>();
        foreach (var rows in projection.Rows)
        {
            var (one, two) = (GenerationNames.Resolve(generation, rows.Select), GenerationNames.Resolve(other, rows.Select));
            await AddAsync(rows, one, two, "only in the live tables");
            await AddAsync(rows, two, one, "only in the rebuilt tables");
        }

        return differences;

        async Task AddAsync(ProjectedRows rows, string here, string there, string where)
        {
            await using var command = Statement.Once(snapshot.Connection!, snapshot, $"SELECT * FROM ({here} EXCEPT {there}) AS differing");
            command.CommandTimeout = 0;
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var (count, named) = (0L, new List<string>());
            while (await reader.ReadAsync(cancellationToken))
            {
                if (++count <= MaxNamed)
                {
                    named.Add(Convert.ToString(rows.StreamColumn is null ? reader.GetValue(0) : reader[rows.StreamColumn], CultureInfo.InvariantCulture) ?? "null");
                }
            }

            if (count > 0)
            {
                differences.Add(string.Create(CultureInfo.InvariantCulture, $"{rows.Name}: {count} rows {where}, such as {string.Join(", ", named)}"));
            }
        }
    }
}
