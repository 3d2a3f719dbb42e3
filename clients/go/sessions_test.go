package sessiond_test

import (
	"context"
	"path/filepath"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	sessionv1 "sessiond/orchestration/session/v1"
)

func newContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func create(ctx context.Context, t *testing.T, s *server, session *sessionv1.Session) *sessionv1.Session {
	t.Helper()
	request := &sessionv1.CreateSessionRequest{Session: session}
	response, err := sessionv1.NewSessionServiceClient(s.connection).CreateSession(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	return response.Session
}

func director(name string) *sessionv1.Session {
	return &sessionv1.Session{
		Type:      sessionv1.SessionType_SESSION_TYPE_DIRECTOR,
		Name:      name,
		Workspace: "/workspace/main",
	}
}

func department(name, parent string) *sessionv1.Session {
	return &sessionv1.Session{
		Type:         sessionv1.SessionType_SESSION_TYPE_DEPARTMENT,
		Name:         name,
		Workspace:    "/workspace/departments",
		ParentId:     parent,
		Capabilities: []string{"batch-processing"},
		Environment:  map[string]string{"LOG_LEVEL": "info"},
	}
}

func TestASessionIsCreatedReadChangedFoundAndDeleted(t *testing.T) {
	s := startServer(t, filepath.Join(t.TempDir(), "sessions.db"))
	ctx := newContext(t)
	client := sessionv1.NewSessionServiceClient(s.connection)

	parent := create(ctx, t, s, director("main-director"))
	child := create(ctx, t, s, department("data-processor", parent.Id))
	if child.Status != sessionv1.SessionStatus_SESSION_STATUS_INITIALIZING || child.Revision != 2 {
		t.Fatalf("created as %v", child)
	}

	read, err := client.GetSession(ctx, &sessionv1.GetSessionRequest{SessionId: child.Id})
	if err != nil {
		t.Fatal(err)
	}
	if read.Session.Environment["LOG_LEVEL"] != "info" || read.Session.ParentId != parent.Id {
		t.Fatalf("read as %v", read.Session)
	}

	updated, err := client.UpdateSession(ctx, &sessionv1.UpdateSessionRequest{
		Session: &sessionv1.Session{
			Id:     child.Id,
			Status: sessionv1.SessionStatus_SESSION_STATUS_ACTIVE,
		},
		UpdateMask:       &fieldmaskpb.FieldMask{Paths: []string{"status"}},
		ExpectedRevision: child.Revision,
	})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Session.Status != sessionv1.SessionStatus_SESSION_STATUS_ACTIVE || updated.Session.StartTime == nil {
		t.Fatalf("updated to %v", updated.Session)
	}

	listed, err := client.ListSessions(ctx, &sessionv1.ListSessionsRequest{
		Where:        "parentId = ? AND status IN (?, ?)",
		Params:       []*structpb.Value{structpb.NewStringValue(parent.Id), structpb.NewStringValue("ACTIVE"), structpb.NewStringValue("IDLE")},
		IncludeTotal: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.Sessions) != 1 || listed.Sessions[0].Id != child.Id || listed.TotalSize != 1 || listed.Sequence != 3 {
		t.Fatalf("listed %v", listed)
	}

	found, err := client.SearchSessions(ctx, &sessionv1.SearchSessionsRequest{Query: "DIRECTOR"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Sessions) != 1 || found.Sessions[0].Id != parent.Id {
		t.Fatalf("found %v", found.Sessions)
	}

	deleted, err := client.DeleteSession(ctx, &sessionv1.DeleteSessionRequest{SessionId: child.Id, Force: true})
	if err != nil || !deleted.Deleted {
		t.Fatalf("deleted: %v, %v", deleted, err)
	}
	_, err = client.GetSession(ctx, &sessionv1.GetSessionRequest{SessionId: child.Id})
	expectError(t, err, codes.NotFound, "SESSION_NOT_FOUND")
}

func TestErrorsSayWhatIsWrongWhere(t *testing.T) {
	s := startServer(t, filepath.Join(t.TempDir(), "sessions.db"))
	ctx := newContext(t)
	client := sessionv1.NewSessionServiceClient(s.connection)

	_, err := client.CreateSession(ctx, &sessionv1.CreateSessionRequest{Session: &sessionv1.Session{Name: "nameless"}})
	if status.Code(err) != codes.InvalidArgument {
		t.Fatalf("refused with %v", err)
	}
	fields := map[string]bool{}
	for _, detail := range status.Convert(err).Details() {
		if request, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range request.FieldViolations {
				fields[violation.Field] = true
			}
		}
	}
	if len(fields) != 2 || !fields["session.type"] || !fields["session.workspace"] {
		t.Fatalf("the violations are %v", fields)
	}

	initializing := create(ctx, t, s, director("main-director"))
	_, err = client.DeleteSession(ctx, &sessionv1.DeleteSessionRequest{SessionId: initializing.Id})
	expectError(t, err, codes.FailedPrecondition, "NOT_FINISHED")
}

func expectError(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code {
		t.Fatalf("%v is not %v", err, code)
	}
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			if info.Domain != "sessiond" || info.Reason != reason {
				t.Fatalf("%v is not %s", info, reason)
			}
			return
		}
	}
	t.Fatalf("%v carries no ErrorInfo", err)
}
