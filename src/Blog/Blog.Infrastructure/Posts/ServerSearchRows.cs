using System.ComponentModel.DataAnnotations;
using NpgsqlTypes;

namespace Blog.Infrastructure.Posts;

/// <summary>A row of <c>post_search</c> on a database server.</summary>
public class PostWordsRow
{
    /// <summary>The post.</summary>
    [Key]
    [MaxLength(36)]
    public required string PostId { get; set; }

    /// <summary>Its title.</summary>
    public required string Title { get; set; }

    /// <summary>Its content.</summary>
    public required string Content { get; set; }

    /// <summary>The title's words as search compares them, a space before, between and after them.</summary>
    public required string TitleWords { get; set; }

    /// <summary>The content's words, likewise.</summary>
    public required string ContentWords { get; set; }
}

/// <summary>A row of <c>post_search</c> on PostgreSQL.</summary>
public sealed class PostVectorRow : PostWordsRow
{
    /// <summary>The title's words with weight A.</summary>
    public required NpgsqlTsVector TitleVector { get; set; }

    /// <summary>The content's words with weight D.</summary>
    public required NpgsqlTsVector ContentVector { get; set; }
}
