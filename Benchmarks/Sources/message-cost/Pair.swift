import Foundation
import RPCTransport
import SessionAPI

/// A session that sends, and one that receives.
struct Pair: Sendable {
  let messages: MessageServiceClient
  let sender: String
  let receiver: String

  /// Makes new sessions.
  static func make(_ count: Int, _ client: RPCClient) async throws -> [Pair] {
    let lifecycle = LifecycleServiceClient(client)
    func session(_ name: String) async throws -> String {
      try await lifecycle.bootstrapSession(
        .with {
          $0.session = .with {
            $0.type = .active
            $0.name = name
            $0.workspace = "/srv/workspaces/benchmark"
          }
        }
      ).session?.id ?? ""
    }
    var pairs: [Pair] = []
    for number in 0..<count {
      pairs.append(
        Pair(
          messages: MessageServiceClient(client), sender: try await session("sender \(number)"),
          receiver: try await session("receiver \(number)")))
    }
    return pairs
  }

  /// Sends messages one after the other, each once the one before is acknowledged; gives the microseconds from the
  /// answer to each send to its delivery, which are none when it came first.
  func exchange(_ count: Int) async throws -> [Double] {
    let stream = try await messages.receiveMessages(.with { $0.sessionID = receiver })
    var deliveries = stream.makeAsyncIterator()
    var latencies: [Double] = []
    for number in 0..<count {
      async let answer = send(number)
      guard let delivery = try await deliveries.next()?.message else { throw BenchmarkFailure("the stream ended") }
      let delivered = ContinuousClock.now
      let (id, answered) = try await answer
      guard delivery.id == id, delivery.deliveryAttempt == 1 else { throw BenchmarkFailure("another message came") }
      latencies.append(max(0, answered.duration(to: delivered) / .microseconds(1)))
      let settled = try await messages.acknowledgeMessages(
        .with {
          $0.sessionID = receiver
          $0.messageIds = [id]
        })
      guard settled.acknowledged == 1 else { throw BenchmarkFailure("a message was not acknowledged") }
    }
    return latencies
  }

  private func send(_ number: Int) async throws -> (id: String, answered: ContinuousClock.Instant) {
    let response = try await messages.sendMessage(
      .with {
        $0.message = .with {
          $0.type = "COMMAND"
          $0.fromSessionID = sender
          $0.toSessionID = receiver
          $0.payload = .with {
            $0.fields = [
              "task": .with { $0.kind = .stringValue("index the workspace") },
              "number": .with { $0.kind = .numberValue(Double(number)) },
            ]
          }
        }
      })
    return (response.messages.first?.id ?? "", .now)
  }
}

/// What one round gave.
struct Sample: Sendable {
  let perSecond: Double
  /// Ascending.
  let latencies: [Double]
  var cpuMicroseconds = 0.0

  /// Has all pairs exchange that many messages each.
  static func take(_ pairs: [Pair], messages: Int) async throws -> Sample {
    let start = ContinuousClock.now
    let latencies = try await withThrowingTaskGroup(of: [Double].self) { group in
      for pair in pairs { group.addTask { try await pair.exchange(messages) } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let seconds = start.duration(to: .now) / .seconds(1)
    return Sample(perSecond: Double(latencies.count) / seconds, latencies: latencies.sorted())
  }

  func latency(_ share: Double) -> Double {
    latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
  }
}

/// Something that keeps the benchmark from measuring.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
