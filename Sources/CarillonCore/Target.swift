/// Where and what a run executes, sealed: only the dispatcher of its kind opens the text.
public struct Target: Hashable, Sendable, Codable {
    /// One word per way of execution; a dispatcher serves one kind. The set is open: a store may hold kinds that this build
    /// does not know.
    public struct Kind: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        public static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }

        public var description: String { rawValue }
    }

    public let kind: Kind
    /// What a person reads in one line.
    public let summary: String
    /// Canonical JSON of the body: equal for equal bodies.
    public let body: String

    /// Seals a body. Throws for one with a fault, and for what JSON has no way to write, such as a number that is not finite.
    public init<Body: TargetBody>(_ body: Body) throws(TargetFault) {
        if let fault = body.fault { throw TargetFault(fault) }
        guard let text = try? CanonicalJSON.encode(body, escapingSlashes: false) else {
            throw TargetFault("its target cannot be written as JSON")
        }
        self.init(kind: Body.kind, summary: body.summary, body: String(decoding: text, as: UTF8.self))
    }

    /// Makes one as a store keeps it.
    public init(kind: Kind, summary: String, body: String) {
        self.kind = kind
        self.summary = summary
        self.body = body
    }

    /// Opens the body. Throws for another kind, for a text that this build cannot read, and for a body with a fault.
    public func open<Body: TargetBody>(as type: Body.Type) throws(TargetFault) -> Body {
        guard kind == Body.kind else { throw TargetFault("a target of kind \(kind) is none of kind \(Body.kind)") }
        let opened: Body
        do {
            opened = try JSONText.decode(type, body)
        } catch {
            throw TargetFault("its target cannot be read by this build")
        }
        if let fault = opened.fault { throw TargetFault(fault) }
        return opened
    }
}

/// What a dispatcher executes: a plain value, written into the store as JSON.
///
/// A release may add fields, so every one that an older release did not write needs its default when it is decoded.
public protocol TargetBody: Hashable, Sendable, Codable {
    static var kind: Target.Kind { get }

    /// What a person reads in one line.
    var summary: String { get }

    /// Says why nobody can execute it, whoever wrote it; nil when somebody can.
    var fault: String? { get }
}

/// Why a target cannot be used here, in words for a person.
public struct TargetFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
