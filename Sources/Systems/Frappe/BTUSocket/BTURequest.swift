package import Listening

/// What the Frappe app asks over the socket.
public enum BTURequest: Hashable, Sendable {
    case ping
    /// The row of that name in `tabBTU Task Schedule` is changing, or about to be there.
    case create(String)
    case cancel(String)

    private struct Message: Decodable {
        var type: String
        var content: String?

        enum CodingKeys: String, CodingKey {
            case type = "request_type"
            case content = "request_content"
        }
    }

    package static func read(_ bytes: [UInt8]) throws(RequestFault) -> BTURequest {
        let message = try RequestFault.decode(
            Message.self, from: bytes, example: #"{"request_type": "ping", "request_content": null}"#)
        switch message.type {
        case "ping": return .ping
        case "create_task_schedule": return .create(try name(message))
        case "cancel_task_schedule": return .cancel(try name(message))
        case let other:
            throw RequestFault(
                message:
                    "unknown request_type '\(other.prefix(80))'; expected ping, create_task_schedule or cancel_task_schedule"
            )
        }
    }

    private static func name(_ message: Message) throws(RequestFault) -> String {
        guard let name = message.content, !name.isEmpty else {
            throw RequestFault(message: "request_content: expected the name of a task schedule")
        }
        return name
    }
}
