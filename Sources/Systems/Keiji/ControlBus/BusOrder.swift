import Foundation
package import Listening

/// What the bus may ask for. What each does to a task is for whoever carries it out.
public enum BusCommand: String, Codable, CaseIterable, Sendable {
    /// Ends the task's running process; unless disabled, the task is picked up again.
    case stop
    /// The same, and the task stays off.
    case disable
    /// The task, its binary and its logs go.
    case delete
}

/// One message of the bus.
public struct BusOrder: Hashable, Sendable {
    public var command: BusCommand
    /// keiji's `taskID`; never empty, and not checked to be a UUID.
    public var task: String

    public init(_ command: BusCommand, task: String) {
        self.command = command
        self.task = task
    }
}

extension BusOrder {
    private static let example = #"{"cmd": "stop", "taskID": "9f0c52a1-43f4-4fd1-8a27-5b1d9c0e6f37"}"#

    private struct Message: Codable {
        var cmd: String
        var taskID: String
    }

    /// Reads one JSON object; further keys are of no interest.
    package static func read(_ bytes: some Sequence<UInt8>) throws(RequestFault) -> BusOrder {
        let message = try RequestFault.decode(Message.self, from: bytes, example: example)
        guard let command = BusCommand(rawValue: message.cmd) else {
            let known = BusCommand.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestFault(message: "unknown cmd; expected one of \(known)")
        }
        guard !message.taskID.isEmpty else { throw RequestFault(message: "taskID: expected a task's id") }
        return BusOrder(command, task: message.taskID)
    }

    /// The same message, on one line without its newline.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(
                decoding: try encoder.encode(Message(cmd: command.rawValue, taskID: task)), as: UTF8.self)
        }
    }
}

/// The end of a line, or of what the client has to say.
struct LineEnd: RequestEnd {
    static var isMetByClosing: Bool { true }
    static let newline = UInt8(ascii: "\n")

    mutating func ends(in bytes: some Sequence<UInt8>) -> Bool { bytes.contains(Self.newline) }
}
