public import CarillonCore
import Foundation

/// `sqlite:PATH`; a relative path begins in the state directory.
public enum SQLiteDriver: StoreDriver {
    private static let scheme = "sqlite:"

    public static let form = scheme + "PATH"

    public static func canOpen(_ url: String) -> Bool { url.hasPrefix(scheme) && url != scheme }

    public static func address(_ url: String) -> String { url }

    public static func open(_ url: String, state: String) throws -> any JobStore {
        try SQLiteStore(path: path(url, state))
    }

    public static func look(_ url: String, state: String) throws -> (any JobStore)? {
        let path = path(url, state)
        return FileManager.default.fileExists(atPath: path) ? try SQLiteStore(reading: path) : nil
    }

    private static func path(_ url: String, _ state: String) -> String {
        let path = String(url.dropFirst(scheme.count))
        return path.hasPrefix("/") ? path : state + "/" + path
    }
}
