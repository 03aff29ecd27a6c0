import Foundation
package import NIOCore

/// Finds where a request ends, in bytes that come piece by piece.
package protocol RequestEnd: SendableMetatype {
    init()
    /// Whether the request ends within these bytes.
    mutating func ends(in bytes: some Sequence<UInt8>) -> Bool
    /// Whether a request also ends where the client closes its writing side.
    static var isMetByClosing: Bool { get }
}

/// What a request gets.
package enum Answer: Sendable {
    case text(String)
    /// A text that takes a while.
    case work(@Sendable () async -> String)
    /// No text: somebody else takes the open connection over.
    case handOver(@Sendable (any Channel) -> Void)
}

/// Why a request is none, in words for the client.
package struct RequestFault: Error, Hashable {
    package var message: String

    package init(message: String) { self.message = message }

    /// Reads a JSON object whose values are texts; what it may say nothing about is optional.
    package static func decode<Message: Decodable>(
        _ type: Message.Type, from bytes: some Sequence<UInt8>, example: String
    ) throws(RequestFault) -> Message {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch DecodingError.keyNotFound(let key, _) {
            throw RequestFault(message: "the request has no \(key.stringValue)")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            guard let key = context.codingPath.last else { throw none(example) }
            throw RequestFault(message: "\(key.stringValue): expected text")
        } catch {
            throw none(example)
        }
    }

    private static func none(_ example: String) -> RequestFault {
        RequestFault(message: "expected one JSON object, such as \(example)")
    }
}
