namespace GrpcCqrs.Storage.Tests;

public sealed class SqlServerTextsEventStoreSpecs(SqlServerTextsFixture fixture) : EventStoreSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsStateSpecs(SqlServerTextsFixture fixture) : StateSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsOperationSpecs(SqlServerTextsFixture fixture) : OperationSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsProjectionSpecs(SqlServerTextsFixture fixture) : ProjectionSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsReadSideSpecs(SqlServerTextsFixture fixture) : ReadSideSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsRebuildBatchSpecs(SqlServerTextsFixture fixture) : RebuildBatchSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsOperatorRequestSpecs(SqlServerTextsFixture fixture) : OperatorRequestSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsFoldSpecs(SqlServerTextsFixture fixture) : FoldSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsConsumerGroupSpecs(SqlServerTextsFixture fixture) : ConsumerGroupSpecs<SqlServerTextsFixture>(fixture);

public sealed class SqlServerTextsFeedSpecs(SqlServerTextsFixture fixture) : FeedSpecs<SqlServerTextsFixture>(fixture);
