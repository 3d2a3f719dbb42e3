package sessiond_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sessionv1 "sessiond/orchestration/session/v1"
)

func watchEvents(ctx context.Context, t *testing.T, s *server, after int64) sessionv1.EventService_WatchEventsClient {
	t.Helper()
	request := &sessionv1.WatchEventsRequest{AfterSequence: after}
	stream, err := sessionv1.NewEventServiceClient(s.connection).WatchEvents(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if first.GetBookmark() == nil {
		t.Fatalf("the stream starts with %v", first)
	}
	return stream
}

// Receives count events, which must follow the sequence without gap or repeat.
func receive(t *testing.T, stream sessionv1.EventService_WatchEventsClient, after int64, count int) []string {
	t.Helper()
	var names []string
	for len(names) < count {
		response, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		event := response.GetEvent()
		if event == nil {
			continue
		}
		after++
		if event.Sequence != after || event.Kind != sessionv1.EventKind_EVENT_KIND_CREATED {
			t.Fatalf("%v is not the creation numbered %d", event, after)
		}
		names = append(names, event.SessionName)
	}
	return names
}

func TestAWatchResumesOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	before := startServer(t, path)
	ctx := newContext(t)

	stream := watchEvents(ctx, t, before, 0)
	for i := 1; i <= 5; i++ {
		create(ctx, t, before, director(fmt.Sprintf("before-%d", i)))
	}
	// The last two are committed but not seen by the resumed watch's caller.
	receive(t, stream, 0, 3)

	before.stop(t)
	for {
		_, err := stream.Recv()
		if err == nil {
			continue
		}
		if status.Code(err) != codes.Unavailable {
			t.Fatalf("the stream ended with %v", err)
		}
		break
	}

	after := startServer(t, path)
	resumed := watchEvents(ctx, t, after, 3)
	for i := 1; i <= 2; i++ {
		create(ctx, t, after, director(fmt.Sprintf("after-%d", i)))
	}
	names := fmt.Sprint(receive(t, resumed, 3, 4))
	if names != "[before-4 before-5 after-1 after-2]" {
		t.Fatalf("resumed with %s", names)
	}
}
