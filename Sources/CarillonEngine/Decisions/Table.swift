import CarillonCore

/// A key that is a number or a hash already.
package protocol TableKey: Equatable, Sendable {
    /// Which keys rarely share.
    var tag: UInt32 { get }
}

extension JobID: TableKey {
    package var tag: UInt32 { UInt32(bitPattern: number) }
}

extension RunID: TableKey {
    package var tag: UInt32 { UInt32(truncatingIfNeeded: hash) }
}

/// What the engine knows of jobs and runs, by id. Rows stay where they are: a table of a hundred thousand grows by their
/// places alone.
///
/// A dictionary would hash these keys once more, and spend a third of a burst's decisions on that. No stranger chooses them.
package struct Table<Key: TableKey, Row: Sendable>: Sendable {
    private struct Place {
        static var none: Place { Place(tag: 0, row: -1) }
        var tag: UInt32
        var row: Int32
        /// Eight numbers in a row stand together, in one line of the processor's cache; these lines are scattered by the
        /// golden ratio, as Knuth has it, or many numbers in a row would make one long way.
        var home: Int {
            let mixed = (tag >> 3) &* 0x9E37_79B1
            return Int((mixed ^ mixed >> 15) << 3 | tag & 7)
        }
    }

    /// Each key stands at its home or, where others stand, behind them; no more than half are taken.
    private var places = ContiguousArray(repeating: Place.none, count: 16)
    private var keys: ContiguousArray<Key> = []
    private var rows: ContiguousArray<Row?> = []
    private var free: [Int32] = []

    package init() {}

    package var count: Int { rows.count - free.count }

    /// Every row, in no order.
    package var all: some Sequence<Row> { rows.lazy.compactMap { $0 } }

    package subscript(key: Key) -> Row? {
        // In place: a run is some three hundred bytes and a dozen references.
        _read {
            let row = Int(places[find(key)].row)
            if row >= 0 { yield rows[row] } else { yield nil }
        }
        _modify {
            let at = find(key)
            let row = Int(places[at].row)
            if row >= 0 {
                yield &rows[row]
                if case .none = rows[row] { leave(at) }
            } else {
                var new: Row?
                yield &new
                if case .some = new { enter(key, consume new, at) }
            }
        }
    }

    package mutating func removeAll() { self = Table() }

    private var mask: Int { places.count - 1 }

    /// Where the key stands, or the free place where it would.
    private func find(_ key: Key) -> Int {
        let tag = key.tag
        var at = Place(tag: tag, row: -1).home & mask
        while places[at].row >= 0, places[at].tag != tag || keys[Int(places[at].row)] != key { at = (at + 1) & mask }
        return at
    }

    private mutating func enter(_ key: Key, _ new: consuming Row?, _ at: Int) {
        if let row = free.popLast() {
            places[at] = Place(tag: key.tag, row: row)
            keys[Int(row)] = key
            rows[Int(row)] = new
        } else {
            places[at] = Place(tag: key.tag, row: Int32(rows.count))
            keys.append(key)
            rows.append(new)
        }
        if 2 * count > places.count { grow() }
    }

    private mutating func grow() {
        let old = places
        places = ContiguousArray(repeating: .none, count: 2 * old.count)
        for place in old where place.row >= 0 {
            var at = place.home & mask
            while places[at].row >= 0 { at = (at + 1) & mask }
            places[at] = place
        }
    }

    private mutating func leave(_ place: Int) {
        free.append(places[place].row)
        // What a burst took is given back.
        if count == 0, rows.count > 1_024 { return removeAll() }
        // No search goes past a free place: those behind this one move up, unless that were before their home.
        var hole = place
        var at = (hole + 1) & mask
        while places[at].row >= 0 {
            if (at - places[at].home) & mask >= (at - hole) & mask {
                places[hole] = places[at]
                hole = at
            }
            at = (at + 1) & mask
        }
        places[hole] = .none
    }
}
