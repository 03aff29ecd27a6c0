public import CarillonCore
import Foundation
import GRDB

/// `sqlite:PATH`; a relative path begins in the state directory.
public enum SQLiteDriver: StoreDriver {
    private static let scheme = "sqlite:"

    public static let form = scheme + "PATH"

    public static let isRemote = false

    public static func canOpen(_ url: String) -> Bool { url.hasPrefix(scheme) && url != scheme }

    public static func flaw(of address: StoreAddress) -> String? {
        var plain = StoreAddress(url: address.url)
        plain.isPooled = address.isPooled
        if address.isPooled { return "a file has no pooler: leave store.pooled away" }
        return address == plain ? nil : "a file needs no password and no certificates"
    }

    public static func place(of address: StoreAddress) -> String { address.url }

    public static func open(_ address: StoreAddress, state: String) throws -> any JobStore {
        try SQLiteStore(path: path(address, state))
    }

    public static func look(_ address: StoreAddress, state: String) throws -> (any JobStore)? {
        let path = path(address, state)
        return FileManager.default.fileExists(atPath: path) ? try SQLiteStore(reading: path) : nil
    }

    public static func missing(_ address: StoreAddress, state: String) async throws -> [String] {
        guard FileManager.default.fileExists(atPath: path(address, state)) else { return Schema.migrator.migrations }
        let store = try SQLiteStore(reading: path(address, state))
        let missing = try await store.facts().missing
        try await store.close()
        return missing
    }

    private static func path(_ address: StoreAddress, _ state: String) -> String {
        let path = String(address.url.dropFirst(scheme.count))
        return path.hasPrefix("/") ? path : state + "/" + path
    }
}
