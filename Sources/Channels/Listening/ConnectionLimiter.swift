package import NIOCore
import Synchronization

/// Connections that wait for something; the oldest gives way when there are too many.
package final class ConnectionLimiter: Sendable {
    private struct State {
        var turn = 0
        var isClosed = false
        var channels: [ObjectIdentifier: (turn: Int, channel: any Channel)] = [:]

        mutating func takeOldest() -> (any Channel)? {
            guard let oldest = channels.min(by: { $0.value.turn < $1.value.turn }) else { return nil }
            channels[oldest.key] = nil
            return oldest.value.channel
        }
    }

    private let most: Int
    private let state = Mutex(State())

    package init(most: Int) { self.most = most }

    /// Takes in a connection, which leaves by itself when it closes.
    package func enter(_ channel: any Channel) {
        add(channel)
        channel.closeFuture.whenComplete { _ in self.leave(channel) }
    }

    /// Comes back after `leave`, behind all others.
    package func comeBack(_ channel: any Channel) {
        add(channel)
        if !channel.isActive { leave(channel) }
    }

    private func add(_ channel: any Channel) {
        let tooMany = state.withLock { state -> (any Channel)? in
            guard !state.isClosed else { return channel }
            state.turn += 1
            state.channels[ObjectIdentifier(channel)] = (state.turn, channel)
            return state.channels.count > most ? state.takeOldest() : nil
        }
        tooMany?.close(promise: nil)
    }

    package func leave(_ channel: any Channel) {
        _ = state.withLock { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Lets the one that has waited longest leave; it stays open.
    package func takeOldest() -> (any Channel)? { state.withLock { $0.takeOldest() } }

    /// Closes all of them, and whoever comes later.
    package func closeAll() {
        let channels = state.withLock { state in
            defer { state.channels = [:] }
            state.isClosed = true
            return state.channels.values.map(\.channel)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
