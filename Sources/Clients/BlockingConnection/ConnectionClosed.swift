/// A call came after `BlockingConnection.close()`, or waited when it came.
public struct ConnectionClosed: Error, Hashable, CustomStringConvertible {
    public init() {}

    public var description: String { "the connection is closed" }
}
