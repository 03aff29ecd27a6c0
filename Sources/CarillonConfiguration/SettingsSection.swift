import CarillonCore
package import Timetable

/// A part of the settings, read by the system that it belongs to.
package protocol SettingsSection: Sendable {
    /// Reads it from the whole of the settings; nil when nothing there asks for it.
    static func read(_ settings: inout SettingsTable) -> Self?
}

/// The settings as a section sees them while they are read.
package struct SettingsTable {
    /// All of `carillon.toml`.
    package var table: ConfigTable
    package let zones: ZoneDatabase
    /// The daemon's own.
    package let home: String
    /// The zone that the settings name.
    package let timeZone: String
    private let environment: [String: String]
    /// Feeds that nobody has read yet.
    private var feeds: [(type: String?, table: ConfigTable)] = []
    /// Types of feeds that somebody reads.
    private var types: [String] = []

    init(
        _ table: ConfigTable, zones: ZoneDatabase, home: String, timeZone: String, environment: [String: String]
    ) {
        self.table = table
        self.zones = zones
        self.home = home
        self.timeZone = timeZone
        self.environment = environment
        for node in self.table.tables("feed") {
            let type = if case .string(let text)? = node["type"]?.value { text } else { nil as String? }
            let variables = type.map { Variables(environment, prefix: "CARILLON_\($0.uppercased())_") }
            feeds.append((type, ConfigTable(node, source: table.source, prefix: "feed.", variables: variables)))
        }
    }

    /// Reads the one feed of a type, if it is there; of a second one it is said that `one` is served.
    package mutating func feed<T>(_ type: String, one: String, _ body: (inout ConfigTable) -> T) -> T? {
        types.append(type)
        var read: T?
        for index in feeds.indices where feeds[index].type == type {
            var feed = feeds[index].table
            _ = feed.string("type")
            if read != nil { feed.complain("type", "a daemon serves one \(one); there are two feeds of it") }
            read = body(&feed)
            feed.finish()
            table.adopt(feed)
        }
        feeds.removeAll { $0.type == type }
        return read
    }

    /// Complains of feeds that nobody reads. What the keys of an unknown feed mean is unknown too.
    mutating func finish() {
        for (type, feed) in feeds {
            var feed = feed
            let known = types.map { "\"\($0)\"" }.joined(separator: ", ")
            if let type {
                feed.complain("type", "\"\(type)\" is none of \(known)")
            } else {
                _ = feed.required("type", feed.string("type"))
            }
            table.adopt(feed)
        }
        table.finish()
    }
}

extension ConfigTable {
    /// Reads a secret from its own key, or from the file that `key_file` names (its first line).
    package mutating func secret(_ key: String) -> String? {
        let secret = string(key)
        guard let path = string(key + "_file") else { return secret }
        if secret != nil { complain(key + "_file", "there is a \(key) as well; give one of the two") }
        do {
            let text = try TextFile.read(path)
            let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            follow(line, of: key + "_file")
            return line
        } catch {
            complain(key + "_file", error.description)
            return nil
        }
    }

    /// Reads a time zone's name, which must be known.
    package mutating func zone(_ key: String, in zones: ZoneDatabase) -> String? {
        guard let zone = string(key) else { return nil }
        do {
            _ = try zones.zone(zone)
        } catch {
            complain(key, error.message)
        }
        return zone
    }
}
