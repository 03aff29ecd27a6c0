import CarillonCore
import Foundation
import Timetable

/// A file of dates on which jobs do not run: one ISO date a line, blank lines and `#` comments allowed.
enum CalendarFile {
    static func path(_ path: String, relativeTo directory: String) -> String {
        path.hasPrefix("/") ? path : directory + "/" + path
    }

    static func read(_ path: String, relativeTo directory: String) throws(ScheduleError) -> ScheduleText.Calendar {
        let full = Self.path(path, relativeTo: directory)
        let text: String
        do throws(ConfigProblem) {
            text = try TextFile.read(full)
        } catch {
            throw ScheduleError(error.description)
        }
        let name = (path as NSString).lastPathComponent
        _ = try Exclusion(name: name, parsing: text)
        let dates = text.split(whereSeparator: \.isNewline).compactMap { line -> String? in
            let date = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            return date.isEmpty ? nil : date
        }
        return ScheduleText.Calendar(name: name, dates: dates)
    }
}
