import CarillonCore

/// A table while its document is read: what was written decides what may still be added to it (toml.io, v1.0.0).
final class TOMLTable {
    enum Origin {
        /// On the way to a table with a header.
        case path
        /// Its own header.
        case header
        /// The dots of a key, under this header, counted.
        case dots(header: Int)
    }

    enum Item {
        /// A value, or an inline table: nothing is added to it.
        case value(ConfigNode)
        case table(TOMLTable)
        /// `[[a]]`; keys go to the last one.
        case tables(TOMLTables)
    }

    var origin: Origin
    private let line: Int
    private var entries: [(key: String, item: Item)] = []
    /// Places of the keys, once there are many.
    private var places: [String: Int] = [:]

    init(_ origin: Origin, line: Int) {
        self.origin = origin
        self.line = line
    }

    private static let few = 12

    subscript(key: String) -> Item? {
        get { place(of: key).map { entries[$0].item } }
        set {
            guard let newValue else { return }
            if let place = place(of: key) {
                entries[place].item = newValue
                return
            }
            entries.append((key, newValue))
            if entries.count == Self.few {
                for (place, entry) in entries.enumerated() { places[entry.key] = place }
            } else if entries.count > Self.few {
                places[key] = entries.count - 1
            }
        }
    }

    private func place(of key: String) -> Int? {
        entries.count < Self.few ? entries.firstIndex { $0.key == key } : places[key]
    }

    var node: ConfigNode {
        let nodes = entries.map { key, item -> (key: String, value: ConfigNode) in
            switch item {
            case .value(let node): (key, node)
            case .table(let table): (key, table.node)
            case .tables(let tables): (key, ConfigNode(.array(tables.all.map(\.node)), line: tables.line))
            }
        }
        return ConfigNode(.table(nodes), line: line)
    }
}

/// An array of tables; shared, so that none is copied for the next one.
final class TOMLTables {
    var all: [TOMLTable]
    let line: Int

    init(_ first: TOMLTable, line: Int) {
        all = [first]
        self.line = line
    }
}
