package import CarillonCore
import Timetable

/// One row of a store's answer, read by the places of its columns, from 0; nil for NULL.
package protocol StoredRow: ~Copyable {
    func text(_ column: Int) throws -> String?
    func integer(_ column: Int) throws -> Int64?
    func bool(_ column: Int) throws -> Bool?
    /// Reads a run's id; nil also for what is none.
    func runID(_ column: Int) throws -> RunID?
}

extension StoredRow where Self: ~Copyable {
    func words(_ column: Int) throws -> String { try text(column) ?? "" }

    func number(_ column: Int) throws -> Int64 { try integer(column) ?? 0 }

    func time(_ column: Int) throws -> Timestamp { Timestamp(microseconds: try number(column)) }

    func someTime(_ column: Int) throws -> Timestamp? {
        try integer(column).map { Timestamp(microseconds: $0) }
    }
}
