import CarillonCore

/// The runs the engine tracks, by id. Rows stay where they are: a table of a hundred thousand grows by their places alone.
struct RunTable: Sendable {
    private var places: [RunID: Int32] = [:]
    private var rows: [TrackedRun?] = []
    private var free: [Int32] = []

    var count: Int { places.count }

    /// Every run, in no order.
    var all: some Sequence<TrackedRun> { rows.lazy.compactMap { $0 } }

    subscript(id: RunID) -> TrackedRun? {
        get { places[id].flatMap { rows[Int($0)] } }
        // In place: a run is some three hundred bytes and a dozen references.
        _modify {
            if let place = places[id] {
                yield &rows[Int(place)]
                if case .none = rows[Int(place)] { leave(id, place) }
            } else {
                var row: TrackedRun?
                yield &row
                if let row { enter(id, row) }
            }
        }
    }

    private mutating func enter(_ id: RunID, _ row: TrackedRun) {
        if let place = free.popLast() {
            places[id] = place
            rows[Int(place)] = row
        } else {
            places[id] = Int32(rows.count)
            rows.append(row)
        }
    }

    private mutating func leave(_ id: RunID, _ place: Int32) {
        places[id] = nil
        free.append(place)
        // What a burst took is given back.
        if places.isEmpty, rows.count > 1_024 { self = RunTable() }
    }
}
