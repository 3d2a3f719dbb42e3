import Glibc
import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

@Suite struct FiguresTests {
  @Test func sessionsEventsAndCommitsAreCounted() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    #expect(repository.figures.commits.sequence == 0 && repository.figures.commits.oldestSequence == 1)
    let session = try await repository.create("a")
    _ = try await repository.create("b")
    _ = try await repository.update(session.id, .move(to: .active), expectedRevision: nil)
    let figures = repository.figures
    #expect(figures.commits.byType == [.director: 0, .department: 0, .observer: 0, .active: 2])
    #expect(figures.commits.byStatus[.initializing] == 1 && figures.commits.byStatus[.active] == 1)
    #expect(figures.commits.sequence == 3 && figures.commits.oldestSequence == 1)
    #expect(figures.commits.batchSizes.counts.first == 3 && figures.commits.batchSizes.sum == 3)
    #expect(figures.commits.commitSeconds.counts.reduce(0, +) == 3)
    #expect(figures.commits.pages.hits > 0 && figures.commits.pages.writes > 0)
    #expect(figures.fileBytes > 0 && figures.logBytes > 0 && figures.memoryBytes > 0)
    await repository.close()
  }

  @Test func aBatchThatOnlyReadsIsNoCommit() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    _ = try await repository.create("a")
    _ = try await repository.stats()
    #expect(repository.figures.commits.commitSeconds.counts.reduce(0, +) == 1)
    await repository.close()
  }

  @Test func readsAreCountedAndSoAreThoseThatGoOn() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open { $0.readerCount = 3 }
    let session = try await repository.create("a")
    let before = repository.figures.reading
    #expect(before.threads == 3 && before.busy == 0 && before.waiting == 0)
    let (begun, ending) = (Latch(), Latch())
    async let reading: Void = repository.readers.read { _ in
      begun.open()
      while !ending.isOpen { sched_yield() }
    }
    await begun.wait()
    #expect(repository.figures.reading.busy == 1)
    ending.open()
    try await reading
    _ = try await repository.session(session.id)
    await repository.close()
    let after = repository.figures.reading
    #expect(after.busy == 0 && after.reads == before.reads + 2 && after.pages.hits + after.pages.misses > 0)
  }

  @Test func messagesAreCountedByWhereTheyAre() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open { $0.maxRetries = 0 }
    let receiver = try await repository.createReceiver()
    func expect(_ messages: Int, _ inDelivery: Int, _ dead: Int64) {
      let commits = repository.figures.commits
      #expect([commits.messages, commits.messagesInDelivery] == [messages, inDelivery])
      #expect(commits.deadLetters == dead)
    }
    for text in ["a", "b", "c"] { try await repository.send(text, to: receiver) }
    expect(3, 0, 0)
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 2)
    let taken = try await mailbox.take()
    expect(3, 2, 0)
    try await repository.acknowledge(taken[0])
    _ = try await mailbox.take()
    expect(2, 2, 0)
    try await repository.acknowledge(taken[1], error: "no")
    expect(1, 1, 1)
    mailbox.close()
    // Any change has what came back looked at.
    _ = try await repository.create("another")
    expect(1, 0, 1)
    try await repository.send("d", to: receiver)
    _ = try await repository.delete(receiver, force: true, allowMissing: false, expectedRevision: nil)
    expect(0, 0, 3)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
    let reopened = try fixture.open()
    #expect(reopened.figures.commits.deadLetters == 3)
    await reopened.close()
  }

  @Test func aRefusedChangeCountsNoDeadLetter() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    try await repository.onCommitter { (writer) throws(StorageFailure) in
      let before = writer.state
      do throws(SessionError) {
        try writer.apply { (writer) throws(SessionError) in
          writer.state.deadLetters += 1
          throw .closed
        }
      } catch {
        #expect(writer.state == before)
      }
    }
    await repository.close()
  }

  /// The limit is the process's, so the test has one of its own.
  @Test func aCommitThatFailsIsAFailureUntilAnotherSucceeds() async throws {
    await #expect(processExitsWith: .success) {
      let fixture = try StoreFixture()
      let repository = try fixture.open()
      _ = try await repository.create("before")
      // Nothing at all can be written: the log may have room before its end.
      let empty = "\(fixture.path).empty"
      fclose(fopen(empty, "w"))
      let limit = try FileSizeLimit(path: empty)
      _ = await repository.createAll(1)
      #expect(repository.isFailing && repository.figures.commits.failures == 1)
      _ = try await repository.stats()
      await #expect(throws: SessionError.self) { try await repository.tryWriting() }
      #expect(repository.isFailing)
      limit.lift()
      let sequence = try await repository.sequences().newest
      try await repository.tryWriting()
      #expect(!repository.isFailing)
      #expect(try await repository.sequences().newest == sequence)
      await repository.close()
    }
  }
}
