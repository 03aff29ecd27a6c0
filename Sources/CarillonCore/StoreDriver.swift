/// A way to keep the ledger, chosen by how the address of `store.url` begins.
public protocol StoreDriver: Sendable {
    /// How its address is written, for people: `sqlite:PATH`.
    static var form: String { get }

    /// Whether an address is one of its own.
    static func canOpen(_ url: String) -> Bool

    /// Answers where a store is, for people, without a password.
    static func address(_ url: String) -> String

    /// Opens the store, and makes it if need be. `state` is the state directory. Throws `StoreError`.
    static func open(_ url: String, state: String) throws -> any JobStore

    /// Opens the store for looking only; nil when there is none yet. Throws `StoreError`.
    static func look(_ url: String, state: String) throws -> (any JobStore)?
}
