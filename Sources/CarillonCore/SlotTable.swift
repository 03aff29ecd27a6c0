/// A key that is a number or a hash already.
public protocol TableKey: Equatable, Sendable {
    /// Which keys rarely share.
    var tag: UInt32 { get }
}

extension JobID: TableKey {
    @inlinable public var tag: UInt32 { UInt32(bitPattern: number) }
}

extension RunID: TableKey {
    @inlinable public var tag: UInt32 { UInt32(truncatingIfNeeded: hash) }
}

extension AttemptID: TableKey {
    @inlinable public var tag: UInt32 { run.tag &+ UInt32(truncatingIfNeeded: attempt) }
}

/// What is known of jobs and runs, by id. Rows stay where they are: a table of a hundred thousand grows by their places
/// and keys alone.
///
/// A dictionary would hash these keys once more, and spend a third of a burst's decisions on that. No stranger chooses them.
/// Public and inlinable because only so other modules get it specialized; unspecialized it is several times slower.
public struct SlotTable<Key: TableKey, Row: Sendable>: Sendable {
    @usableFromInline struct Place: Sendable {
        @inlinable static var none: Place { Place(tag: 0, row: -1) }
        @usableFromInline var tag: UInt32
        @usableFromInline var row: Int32

        @inlinable init(tag: UInt32, row: Int32) {
            self.tag = tag
            self.row = row
        }

        /// Eight numbers in a row stand together, in one line of the processor's cache; these lines are scattered by the
        /// golden ratio, as Knuth has it, or many numbers in a row would make one long way.
        @inlinable var home: Int {
            let mixed = (tag >> 3) &* 0x9E37_79B1
            return Int((mixed ^ mixed >> 15) << 3 | tag & 7)
        }
    }

    /// Each key stands at its home or, where others stand, behind them; no more than half are taken.
    @usableFromInline var places = ContiguousArray(repeating: Place.none, count: 16)
    @usableFromInline var keys: ContiguousArray<Key> = []
    /// By the page, so that nothing moves when there are more.
    @usableFromInline var pages: ContiguousArray<ContiguousArray<Row?>> = []
    @usableFromInline var free: [Int32] = []

    @inlinable public init() {}

    @inlinable public var count: Int { keys.count - free.count }

    /// Every row, in no order.
    public var all: some Sequence<Row> { pages.lazy.joined().compactMap { $0 } }

    /// Every row's key, in no order.
    public var allKeys: some Sequence<Key> { places.lazy.filter { $0.row >= 0 }.map { keys[Int($0.row)] } }

    @inlinable public subscript(key: Key) -> Row? {
        // In place: a run is some three hundred bytes and a dozen references.
        _read {
            let row = Int(places[find(key)].row)
            // An array's own subscript would make a copy to yield.
            if row >= 0 {
                let page = pages[row / Self.inPage]
                yield page.span[row % Self.inPage]
            } else {
                yield nil
            }
        }
        _modify {
            let at = find(key)
            let row = Int(places[at].row)
            if row >= 0 {
                defer { if case .none = pages[row / Self.inPage][row % Self.inPage] { leave(at) } }
                yield &pages[row / Self.inPage][row % Self.inPage]
            } else {
                var new: Row?
                defer { if case .some = new { enter(key, new.take(), at) } }
                yield &new
            }
        }
    }

    @inlinable public mutating func removeAll() { self = SlotTable() }

    @inlinable static var inPage: Int { 256 }

    @inlinable var mask: Int { places.count - 1 }

    /// Finds where the key stands, or the free place where it would.
    @inlinable func find(_ key: Key) -> Int {
        let tag = key.tag
        var at = Place(tag: tag, row: -1).home & mask
        while places[at].row >= 0, places[at].tag != tag || keys[Int(places[at].row)] != key { at = (at + 1) & mask }
        return at
    }

    @inlinable mutating func enter(_ key: Key, _ new: consuming Row?, _ at: Int) {
        if let row = free.popLast() {
            places[at] = Place(tag: key.tag, row: row)
            keys[Int(row)] = key
            pages[Int(row) / Self.inPage][Int(row) % Self.inPage] = new
        } else {
            places[at] = Place(tag: key.tag, row: Int32(keys.count))
            if keys.count % Self.inPage == 0 {
                pages.append([])
                // A small table is one small page.
                if keys.count > 0 { pages[pages.count - 1].reserveCapacity(Self.inPage) }
            }
            pages[keys.count / Self.inPage].append(new)
            keys.append(key)
        }
        if 2 * count > places.count { grow() }
    }

    @inlinable mutating func grow() {
        let old = places
        places = ContiguousArray(repeating: .none, count: 2 * old.count)
        for place in old where place.row >= 0 {
            var at = place.home & mask
            while places[at].row >= 0 { at = (at + 1) & mask }
            places[at] = place
        }
    }

    @inlinable mutating func leave(_ place: Int) {
        free.append(places[place].row)
        // What a burst took is given back.
        if count == 0, keys.count > 1_024 { return removeAll() }
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
