import CarillonConfiguration
import CarillonCore

/// Reads files one after the other, some thousands of jobs at a time.
actor FileReading {
    private static let most = 2_000

    private var rest: ArraySlice<String>
    private let open: @Sendable (String) -> JobFileReading
    private var current: (path: String, stamp: FileStamp?, reading: JobFileReading)?

    /// A part of a file, with the stamps of what it was read from.
    struct Part: Sendable {
        var path: String
        var snapshot: FeedSnapshot
        var stamps: [String: FileStamp?]
    }

    init(_ files: [String], open: @escaping @Sendable (String) -> JobFileReading) {
        rest = files[...]
        self.open = open
    }

    func next() -> Part? {
        while true {
            if let (path, stamp, open) = current {
                var reading = open
                current = nil
                if let snapshot = reading.next(most: Self.most) {
                    current = (path, stamp, reading)
                    var stamps: [String: FileStamp?] = [path: stamp]
                    for other in snapshot.alsoRead { stamps[other] = FileStamp(path: other) }
                    return Part(path: path, snapshot: snapshot, stamps: stamps)
                }
            }
            guard let path = rest.popFirst() else { return nil }
            // Before it is read: what is written meanwhile is another change.
            current = (path, FileStamp(path: path), open(path))
        }
    }
}
