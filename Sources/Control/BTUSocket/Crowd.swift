import NIOCore
import Synchronization

/// The connections that have asked nothing yet; the oldest gives way when there are too many.
final class Crowd: Sendable {
    private struct State {
        var turn = 0
        var channels: [ObjectIdentifier: (turn: Int, channel: any Channel)] = [:]
    }

    private let most: Int
    private let state = Mutex(State())

    init(most: Int) { self.most = most }

    func enter(_ channel: any Channel) {
        let oldest = state.withLock { state -> (any Channel)? in
            state.turn += 1
            state.channels[ObjectIdentifier(channel)] = (state.turn, channel)
            guard state.channels.count > most else { return nil }
            guard let oldest = state.channels.min(by: { $0.value.turn < $1.value.turn }) else { return nil }
            state.channels[oldest.key] = nil
            return oldest.value.channel
        }
        oldest?.close(promise: nil)
    }

    func leave(_ channel: any Channel) {
        _ = state.withLock { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    func closeAll() {
        let channels = state.withLock { state in
            defer { state.channels = [:] }
            return state.channels.values.map(\.channel)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
