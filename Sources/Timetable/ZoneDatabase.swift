import Synchronization

/// The zones of one folder of compiled zone files, each read once and kept until it changes on disk.
///
/// Safe to use from any thread.
public final class ZoneDatabase: Sendable {
    struct Entry {
        var zone: Zone
        var path: String
        /// Nil for the built-in UTC, which stands in while its file is missing.
        var signature: FileSignature?
    }

    struct State {
        var entries: [String: Entry] = [:]
        var version: String
        var versionFiles: [FileSignature?]
    }

    /// The folder, without a slash at the end.
    let directory: String
    private let state: Mutex<State>

    /// Opens the database in a folder; nothing but its version is read until a zone is asked for.
    public init(directory: String = "/usr/share/zoneinfo") {
        var directory = directory
        while directory.utf8.count > 1, directory.hasSuffix("/") { directory.removeLast() }
        self.directory = directory
        state = Mutex(
            State(version: Self.readVersion(directory), versionFiles: Self.versionSignatures(directory)))
    }

    /// The release of the database, like `2025b`; `unknown` when the folder does not say.
    public var version: String {
        state.withLock(\.version)
    }

    /// Answers the zone of an IANA name, an old name among them; names are case-sensitive.
    ///
    /// Throws for a name that is not known, with the names that come near, and for a file that is not TZif.
    public func zone(_ name: String) throws(ScheduleError) -> Zone {
        if let entry = state.withLock({ $0.entries[name] }) { return entry.zone }
        let entry = try load(name)
        return state.withLock { state in
            // Another thread may have read the same file meanwhile: everyone gets its zone.
            if let other = state.entries[name], other.signature == entry.signature { return other.zone }
            state.entries[name] = entry
            return entry.zone
        }
    }

    /// Forgets every zone whose file is no longer the one that was read; true when anything changed.
    ///
    /// Zones handed out before keep their rules: ask again for the new ones.
    @discardableResult
    public func refresh() -> Bool {
        let files = Self.versionSignatures(directory)
        let version = Self.readVersion(directory)
        let cached = state.withLock { $0.entries }
        let stale = cached.filter { FileSignature(path: $0.value.path) != $0.value.signature }
        return state.withLock { state in
            let changed = !stale.isEmpty || state.versionFiles != files
            for (name, entry) in stale where state.entries[name]?.signature == entry.signature {
                state.entries[name] = nil
            }
            (state.version, state.versionFiles) = (version, files)
            return changed
        }
    }

    private func load(_ name: String) throws(ScheduleError) -> Entry {
        guard Self.isSafe(name) else {
            throw ScheduleError(
                "\(ScheduleError.quoted(name.utf8)) cannot be the name of a time zone\(hint(for: name))")
        }
        var path = directory + "/" + name
        var file = DiskFile.read(path, limit: Self.fileLimit)
        if file == nil, let target = ZoneAliases.target(of: name) {
            path = directory + "/" + target
            file = DiskFile.read(path, limit: Self.fileLimit)
        }
        guard let file else {
            if Self.namesOfUTC.contains(name) {
                return Entry(zone: Zone(name: name, table: .utc), path: directory + "/" + name, signature: nil)
            }
            throw unknown(name)
        }
        do {
            return Entry(
                zone: Zone(name: name, table: try TZif.table(file.bytes)), path: path, signature: file.signature)
        } catch {
            throw ScheduleError("the file of time zone '\(name)' cannot be used: \(error.reason)")
        }
    }

    /// Far above any real zone file, which has some 3 kB.
    private static let fileLimit = 1 << 20
    private static let namesOfUTC: Set<String> = ["UTC", "Etc/UTC"]

    /// Whether a name stays inside the folder: letters, digits, `_`, `-`, `+` and inner slashes, no dots.
    static func isSafe(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), !name.hasPrefix("/"), !name.hasSuffix("/") else { return false }
        return name.utf8.allSatisfy { byte in
            (0x41...0x5A).contains(byte & 0xDF) || (0x2F...0x39).contains(byte) || [0x2B, 0x2D, 0x5F].contains(byte)
        }
    }
}
