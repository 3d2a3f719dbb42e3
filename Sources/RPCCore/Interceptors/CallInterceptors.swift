/// What is done around the calls of one method, in order.
public struct CallInterceptors: Sendable {
  // One that does something at an end of a call, and those after it. Its properties never change, so that a call goes
  // along the chain without counting a reference for each.
  private final class Listener: Sendable {
    let interceptor: any CallInterceptor
    let place: Int
    let next: Listener?

    init(_ interceptor: any CallInterceptor, place: Int, next: Listener?) {
      self.interceptor = interceptor
      self.place = place
      self.next = next
    }

    func begin(_ call: ServerContext, told: inout Int) throws {
      told = place + 1
      try interceptor.begins(call)
      try next?.begin(call, told: &told)
    }

    func end(_ call: CallSummary, told: Int) {
      if place < told { interceptor.ended(call) }
      next?.end(call, told: told)
    }
  }

  private final class MessageListener: Sendable {
    let interceptor: any MessageInterceptor
    let next: MessageListener?

    init(_ interceptor: any MessageInterceptor, next: MessageListener?) {
      self.interceptor = interceptor
      self.next = next
    }

    func received(_ call: ServerContext) {
      interceptor.received(call)
      next?.received(call)
    }

    func sent(_ count: Int, _ call: ServerContext) {
      interceptor.sent(count, call)
      next?.sent(count, call)
    }
  }

  // One reference for all of them: each time a call tells of something, it counts what it takes hold of.
  private final class Listeners: Sendable {
    let beginning: Listener?
    let ending: Listener?
    let messaging: MessageListener?
    let count: Int

    init(_ beginning: Listener?, _ ending: Listener?, _ messaging: MessageListener?, count: Int) {
      self.beginning = beginning
      self.ending = ending
      self.messaging = messaging
      self.count = count
    }
  }

  private let listeners: Listeners

  /// These, the first in the list outermost.
  public init(_ interceptors: [any CallInterceptor] = []) {
    var (beginning, ending): (Listener?, Listener?)
    for (place, interceptor) in interceptors.enumerated().reversed() where interceptor.interest != .ends {
      beginning = Listener(interceptor, place: place, next: beginning)
    }
    for (place, interceptor) in interceptors.enumerated() where interceptor.interest != .begins {
      ending = Listener(interceptor, place: place, next: ending)
    }
    let messaging: MessageListener? = interceptors.compactMap { $0 as? any MessageInterceptor }.reversed().reduce(nil) {
      MessageListener($1, next: $0)
    }
    listeners = Listeners(beginning, ending, messaging, count: interceptors.count)
  }

  /// Tells all that `call` begins, until one refuses it; `told` becomes how many then know of it.
  /// - Throws: `RPCError`, the refusal.
  public func begin(_ call: ServerContext, told: inout Int) throws {
    try listeners.beginning?.begin(call, told: &told)
    told = listeners.count
  }

  /// Tells those that listen that a message of `call` came in.
  public func received(_ call: ServerContext) { listeners.messaging?.received(call) }

  /// Tells those that listen that messages of `call` go out.
  public func sent(_ count: Int, _ call: ServerContext) { listeners.messaging?.sent(count, call) }

  /// Tells those that were `told` of the call's beginning that it is over, the last in the list first.
  public func end(_ call: CallSummary, told: Int) { listeners.ending?.end(call, told: told) }
}
