import CarillonCore
import Foundation
import GRDB

extension StoreError {
    /// Says what an error of SQLite means to the engine and to a person.
    init(path: String, _ error: any Error) {
        if let known = error as? StoreError {
            self = known
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.unreachable, "\(path): \(error)")
            return
        }
        let said = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: self.init(.full, "\(path): the disk is full; nothing was written")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(.corrupt, "\(path) is damaged or is no store of Carillon (\(said)); restore it from a backup")
        case .SQLITE_BUSY, .SQLITE_LOCKED: self.init(.busy, "\(path) is in use by another program (\(said))")
        case .SQLITE_READONLY: self.init(.unreachable, "\(path) cannot be written (\(said))")
        default: self.init(.unreachable, "\(path): \(said)")
        }
    }
}
