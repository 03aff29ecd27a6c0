/// Where a store is, and what lets one in.
///
/// Printing it, in whatever way, shows nothing of what may be a password.
public struct StoreAddress: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// As `store.url` has it; it may hold a password.
    public var url: String
    /// Stands before the one in the address.
    public var password: String?
    /// Whom to trust, and the client's own certificate with its key, as paths of PEM files; nil for what the address says.
    public var caFile: String?
    public var certificateFile: String?
    public var keyFile: String?
    /// Whether a transaction pooler stands between.
    public var isPooled = false

    public init(url: String) { self.url = url }

    public var description: String { url.prefix { $0 != ":" } + ":…" }
    public var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}

/// A way to keep the ledger, chosen by how the address of `store.url` begins.
public protocol StoreDriver: Sendable {
    /// How its address is written, for people: `sqlite:PATH`.
    static var form: String { get }

    /// Whether a server keeps it, which may come up after the daemon.
    static var isRemote: Bool { get }

    /// Whether an address is one of its own.
    static func canOpen(_ url: String) -> Bool

    /// Says what is wrong with an address of its own, without repeating it; nil when nothing is.
    static func flaw(of address: StoreAddress) -> String?

    /// Answers where a store is, for people, without a password.
    static func place(of address: StoreAddress) -> String

    /// Opens the store, and makes it if need be. `state` is the state directory. Throws `StoreError`.
    static func open(_ address: StoreAddress, state: String) async throws -> any JobStore

    /// Names the migrations that opening the store would carry out, in order: all of them where there is none yet. Throws
    /// `StoreError`.
    static func missing(_ address: StoreAddress, state: String) async throws -> [String]

    /// Opens the store for looking only; nil when there is none yet. Throws `StoreError`.
    static func look(_ address: StoreAddress, state: String) async throws -> (any JobStore)?
}
