/// A Lua script, called by its digest; the client sees to it that the server has it.
///
/// Make it once and keep it: two values of the same source are one script, but comparing them costs more.
public struct RedisScript: Sendable, Hashable {
    /// Shared, so that a command names its script without a copy.
    private final class Content: Sendable {
        let source: String
        /// Computed once: a source has kilobytes, and each command looks its script up.
        let hash: Int

        init(_ source: String) {
            self.source = source
            hash = source.hashValue
        }
    }

    private let content: Content

    public init(_ source: String) { content = Content(source) }

    public var source: String { content.source }

    public static func == (left: RedisScript, right: RedisScript) -> Bool {
        left.content === right.content
            || left.content.hash == right.content.hash && left.content.source == right.content.source
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(content.hash) }
}
