import CarillonConfiguration
import Timetable

extension BTUReader {
    /// Reads the file. Throws `Failure` with file, line and key of everything that is wrong.
    static func reading(_ path: String, zones: ZoneDatabase) throws -> Reading {
        do {
            return try BTUReader(zones: zones).read(path: path)
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }
}
