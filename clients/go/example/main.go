// Creates a director and a department, and prints the events of their lives.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	sessionv1 "sessiond/orchestration/session/v1"
)

func main() {
	log.SetFlags(0)
	address := flag.String("address", "127.0.0.1:50051", "where sessiond listens")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// Debian 12's grpc-go is older than the package credentials/insecure.
	connection, err := grpc.DialContext(ctx, *address, grpc.WithInsecure(), grpc.WithBlock())
	if err != nil {
		log.Fatalf("no sessiond answers at %s: %v", *address, err)
	}
	defer connection.Close()
	if err := run(ctx, connection); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, connection grpc.ClientConnInterface) error {
	sessions := sessionv1.NewSessionServiceClient(connection)
	events := sessionv1.NewEventServiceClient(connection)

	watch, err := events.WatchEvents(ctx, &sessionv1.WatchEventsRequest{})
	if err != nil {
		return err
	}
	// The first answer is a bookmark: from here on the watch sees everything.
	if _, err := watch.Recv(); err != nil {
		return err
	}

	metadata, err := structpb.NewStruct(map[string]interface{}{"version": "1.0.0"})
	if err != nil {
		return err
	}
	director, err := sessions.CreateSession(ctx, &sessionv1.CreateSessionRequest{Session: &sessionv1.Session{
		Type:      sessionv1.SessionType_SESSION_TYPE_DIRECTOR,
		Name:      "main-director",
		Workspace: "/workspace/main-project",
		Metadata:  metadata,
	}})
	if err != nil {
		return err
	}
	department, err := sessions.CreateSession(ctx, &sessionv1.CreateSessionRequest{Session: &sessionv1.Session{
		Type:      sessionv1.SessionType_SESSION_TYPE_DEPARTMENT,
		Name:      "data-processor",
		Workspace: "/workspace/departments/data",
		ParentId:  director.Session.Id,
	}})
	if err != nil {
		return err
	}
	_, err = sessions.UpdateSession(ctx, &sessionv1.UpdateSessionRequest{
		Session: &sessionv1.Session{
			Id:     director.Session.Id,
			Status: sessionv1.SessionStatus_SESSION_STATUS_ACTIVE,
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"status"}},
	})
	if err != nil {
		return err
	}
	for _, id := range []string{department.Session.Id, director.Session.Id} {
		request := &sessionv1.DeleteSessionRequest{SessionId: id, Force: true}
		if _, err := sessions.DeleteSession(ctx, request); err != nil {
			return err
		}
	}

	for {
		response, err := watch.Recv()
		if err != nil {
			return err
		}
		event := response.GetEvent()
		if event == nil {
			continue
		}
		fmt.Printf("%4d  %-26s  %-16s  %s\n", event.Sequence, event.Kind, event.SessionName, event.NewStatus)
		if event.Kind == sessionv1.EventKind_EVENT_KIND_DELETED && event.SessionId == director.Session.Id {
			return nil
		}
	}
}
