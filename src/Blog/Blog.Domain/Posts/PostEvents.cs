namespace Blog.Domain.Posts;

// A storage contract. These records are written to the event log as JSON and read back for as long as the store lives: a change of
// a property's name or meaning is a new schema version with an upcaster (Blog.Application/Posts/PostEventTypes.cs), and the
// golden files in tests/Blog.Tests hold every version ever written.

/// <summary>Something that happened to a post.</summary>
public abstract record PostEvent;

/// <summary>A draft was started.</summary>
public sealed record PostCreated(string Title, string Content, string Slug, string Author, IReadOnlyList<string> Tags) : PostEvent;

/// <summary>The title became another.</summary>
public sealed record PostTitleUpdated(string Title) : PostEvent;

/// <summary>The content became another.</summary>
public sealed record PostContentEdited(string Content) : PostEvent;

/// <summary>The post became visible to readers.</summary>
public sealed record PostPublished : PostEvent;

/// <summary>The post became a draft again.</summary>
public sealed record PostUnpublished : PostEvent;

/// <summary>The post was taken out of circulation.</summary>
public sealed record PostArchived : PostEvent;

/// <summary>Tags were added that the post did not have.</summary>
public sealed record PostTagsAdded(IReadOnlyList<string> Tags) : PostEvent;

/// <summary>Tags were removed that the post had.</summary>
public sealed record PostTagsRemoved(IReadOnlyList<string> Tags) : PostEvent;

/// <summary>The post was deleted for good and its slug freed.</summary>
public sealed record PostDeleted : PostEvent;
