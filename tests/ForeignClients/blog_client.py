"""A client that shares nothing with the service but its protos: creates, edits and reads posts, and decodes errors.

usage: blog_client.py HOST:PORT, with the modules that protoc makes from protos/ and google/rpc/error_model.proto on PYTHONPATH.
"""

import sys
import uuid

import grpc
from blog.v1 import (
    post_commands_pb2 as commands,
    post_commands_pb2_grpc as command_calls,
    post_pb2 as posts,
    post_queries_pb2 as queries,
    post_queries_pb2_grpc as query_calls,
)
from google.rpc import error_model_pb2 as rpc

checks = 0


def check(condition, what):
    global checks
    if not condition:
        sys.exit(f"FAILED: {what}")
    checks += 1


def refused(call, request):
    """The status code and the decoded details of a call that must fail."""
    try:
        call(request, timeout=20)
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        status = rpc.Status.FromString(trailers["grpc-status-details-bin"])
        details = {}
        for packed in status.details:
            for kind in (rpc.ErrorInfo, rpc.BadRequest, rpc.PreconditionFailure, rpc.RetryInfo):
                if packed.Is(kind.DESCRIPTOR):
                    details[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
        check(status.code == error.code().value[0], "the details carry the status code")
        check(status.message == error.details(), "the details carry the message")
        return error.code(), details
    sys.exit(f"FAILED: {request} was accepted")


def check_health(channel):
    """grpc.health.v1 by the bytes of its messages: a text in field 1, an enum in field 1, where 1 is SERVING and 3 SERVICE_UNKNOWN."""
    def request(service):
        return b"\x0a" + bytes([len(service)]) + service.encode()

    ask = channel.unary_unary("/grpc.health.v1.Health/Check")
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
    for service in ("", "blog.v1.PostCommandService", "blog.v1.PostQueryService", "grpccqrs.feed.v1.EventFeedService"):
        check(ask(request(service), timeout=20) == b"\x08\x01", f"'{service}' is serving")
        watched = watch(request(service), timeout=20)
        check(next(watched) == b"\x08\x01", f"a watch says that '{service}' is serving")
        watched.cancel()
    try:
        ask(request("blog.v1.Nothing"), timeout=20)
        sys.exit("FAILED: an unknown service has a health")
    except grpc.RpcError as error:
        check(error.code() == grpc.StatusCode.NOT_FOUND, "an unknown service is NOT_FOUND")
    watched = watch(request("blog.v1.Nothing"), timeout=20)
    check(next(watched) == b"\x08\x03", "a watch of an unknown service says so")
    watched.cancel()


def main(address):
    channel = grpc.insecure_channel(address)
    check_health(channel)
    write = command_calls.PostCommandServiceStub(channel)
    read = query_calls.PostQueryServiceStub(channel)

    title, content = "Grüße aus Python — 你好, привет", "Zeile eins\r\n\tשלום 👋🏽\n" * 1000
    command_id = str(uuid.uuid4())
    request = commands.CreatePostRequest(
        title=title, content=content, author="Guido", tags=["Python", "gRPC io"], command_id=command_id)
    created = write.CreatePost(request, timeout=20)
    check(created.version == 1 and created.post_id, "a post is created at version 1")
    check(write.CreatePost(request, timeout=20) == created, "a repeated command gets the first answer")

    def get(token):
        return read.GetPost(queries.GetPostRequest(post_id=created.post_id, consistency_token=token), timeout=20).post

    post = get(created.consistency_token)
    check((post.title, post.content) == (title, content), "title and content survive")
    check(list(post.tags) == ["grpc-io", "python"], "tags are normalised and sorted")
    check(post.status == posts.POST_STATUS_DRAFT, "a new post is a draft")

    edited = write.EditPostContent(
        commands.EditPostContentRequest(post_id=created.post_id, content="Zweite Fassung", expected_version=1), timeout=20)
    check(edited.version == 2, "an edit makes version 2")
    published = write.PublishPost(commands.PublishPostRequest(post_id=created.post_id), timeout=20)
    post = get(published.consistency_token)
    check((post.content, post.version) == ("Zweite Fassung", 3), "the edit is read back")
    check(post.status == posts.POST_STATUS_PUBLISHED and post.HasField("publish_time"), "the post is published")

    as_of = read.GetPostAsOf(queries.GetPostAsOfRequest(post_id=created.post_id, version=1), timeout=20).post
    check((as_of.content, as_of.version) == (content, 1), "version 1 is what was created")
    history = read.GetPostHistory(queries.GetPostHistoryRequest(post_id=created.post_id), timeout=20)
    check([e.event_type for e in history.entries] == ["blog.post-created", "blog.post-content-edited", "blog.post-published"],
          "the history names the events")
    hits = read.SearchPosts(
        queries.SearchPostsRequest(query='"zweite fassung"', consistency_token=published.consistency_token), timeout=20).hits
    check([h.post.post_id for h in hits] == [created.post_id], "search finds the phrase")
    check([f.text for f in hits[0].content.fragments if f.matched] == ["Zweite Fassung"], "the match is marked")

    code, details = refused(write.CreatePost, commands.CreatePostRequest(title=" ", author="", tags=["no!"]))
    check(code == grpc.StatusCode.INVALID_ARGUMENT, "malformed fields are INVALID_ARGUMENT")
    check([v.field for v in details["BadRequest"].field_violations] == ["title", "author", "tags[0]"], "each field is named")
    check((details["ErrorInfo"].reason, details["ErrorInfo"].domain) == ("INVALID_FIELDS", "blog"), "the reason is INVALID_FIELDS")

    code, details = refused(
        write.EditPostContent, commands.EditPostContentRequest(post_id=created.post_id, content="x", expected_version=1))
    check(code == grpc.StatusCode.ABORTED, "a wrong expected version is ABORTED")
    check(details["ErrorInfo"].metadata["actual_version"] == "3", "the actual version is told")

    code, details = refused(read.GetPost, queries.GetPostRequest(post_id=str(uuid.uuid4())))
    check((code, details["ErrorInfo"].reason) == (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND"), "an unknown id is NOT_FOUND")

    write.DeletePost(commands.DeletePostRequest(post_id=created.post_id), timeout=20)
    code, details = refused(write.PublishPost, commands.PublishPostRequest(post_id=created.post_id))
    check(code == grpc.StatusCode.FAILED_PRECONDITION, "a change to a deleted post is FAILED_PRECONDITION")
    check(details["PreconditionFailure"].violations[0].type == "POST_DELETED", "the violated precondition is named")
    print(f"{checks} checks passed")


if __name__ == "__main__":
    main(sys.argv[1])
