import CarillonCore
import Foundation
import Timetable

/// A file of dates on which jobs do not run: one ISO date a line, blank lines and `#` comments allowed.
enum CalendarFile {
    static func read(_ path: String, relativeTo directory: String) throws(ScheduleError) -> ScheduleText.Calendar {
        let full = path.hasPrefix("/") ? path : directory + "/" + path
        let text: String
        do {
            text = try String(contentsOfFile: full, encoding: .utf8)
        } catch {
            throw ScheduleError("cannot read \(full): \(ConfigDocument.why(error))")
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
