import Timetable

/// Times as RQ writes them: `%Y-%m-%dT%H:%M:%S.%fZ`, always with six digits. A worker dies of any other form.
enum RQTime {
    static func text(_ time: Timestamp) -> String {
        let text = time.rfc3339
        return text.contains(".") ? text : text.dropLast() + ".000000Z"
    }

    static func parse(_ text: String?) -> Timestamp? { text.flatMap { Timestamp(rfc3339: $0) } }
}
