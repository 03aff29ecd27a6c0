/// Finds what a person may have meant.
package enum Spelling {
    /// Writes `; did you mean X?` when one of these is written almost the same, or nothing.
    package static func hint(_ word: String, among known: some Sequence<String>) -> String {
        let nearest = known.map { (word: $0, distance: distance($0, word)) }.min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= 2 else { return "" }
        return "; did you mean \(nearest.word)?"
    }

    /// Counts how many bytes differ (Levenshtein).
    private static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b.utf8)
        var row = Array(0...b.count)
        for (i, x) in a.utf8.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for j in b.indices {
                let cost = min(row[j + 1] + 1, row[j] + 1, previous + (x == b[j] ? 0 : 1))
                previous = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }
}
