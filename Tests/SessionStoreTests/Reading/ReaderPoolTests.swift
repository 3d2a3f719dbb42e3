import SessionDomain
import Testing

@testable import SessionStore

@Suite struct ReaderPoolTests {
  /// SQLite asks only every so many steps whether to go on, and counts on from one run of a statement to its next: the
  /// end of a read's time falls into each statement of it some day, also into those that begin and end it.
  @Test func `A read that is ended anywhere keeps its reader from no other`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    var settings = SessionStoreSettings(path: fixture.path)
    settings.readerCount = 1
    settings.readTimeLimit = .zero
    let readers = try ReaderPool(settings: settings)
    for _ in 0..<1000 {
      do throws(SessionError) {
        _ = try await readers.readAtOnce { (database) throws(SessionError) in
          try storing { () throws(StorageFailure) in try database.integer("SELECT sequence FROM totals WHERE id = 1") }
        }
      } catch {
        try #require(error == .tooCostly(limit: .zero))
      }
    }
    await readers.close()
    await repository.close()
  }
}
