import CarillonCore
import RedisClient
import Timetable

/// An attempt that Redis has, and that has not been seen to end.
struct RQEntry: Sendable {
    let attempt: AttemptID
    /// The queue's name as workers know it.
    var queue: String
    /// Seconds.
    var resultTTL: Int64
    var startTold = false
    /// When a cancelled one that does not end is given up; set when its worker was told.
    var givenUpAt: Timestamp?

    /// What stands in the guard, so that an attempt whose hash is gone can still be read: `result_ttl queue`.
    var guardText: String { String(resultTTL) + " " + queue }

    init(_ attempt: AttemptID, queue: String, resultTTL: Int64) {
        self.attempt = attempt
        self.queue = queue
        self.resultTTL = resultTTL
    }

    /// Reads an entry from a job's hash, or from its guard.
    init?(_ attempt: AttemptID, _ sight: RQJobSnapshot) {
        if let queue = sight.origin {
            self.init(attempt, queue: queue, resultTTL: sight.resultTTL ?? RQTarget.defaultResultTTL)
        } else if let words = sight.guardText?.split(separator: " ", maxSplits: 1), words.count == 2 {
            self.init(attempt, queue: String(words[1]), resultTTL: Int64(words[0]) ?? RQTarget.defaultResultTTL)
        } else {
            return nil
        }
    }
}

/// What Redis shows of one job at one moment.
struct RQJobSnapshot: Hashable, Sendable {
    var guardText: String?
    var status: String?
    var origin: String?
    var resultTTL: Int64?
    var startedAt: Timestamp?
    var endedAt: Timestamp?
    var traceback: String?

    /// Neither guard nor hash.
    var isNothing: Bool { guardText == nil && status == nil }

    init() {}

    /// Reads an answer of `RQScripts.look`.
    init(_ answer: [RedisValue]) {
        let text = { (index: Int) in answer.indices.contains(index) ? answer[index].text : nil }
        guardText = text(0)
        status = text(1)
        origin = text(2)
        resultTTL = text(3).flatMap { Int64($0) }
        startedAt = RQTime.parse(text(4))
        endedAt = RQTime.parse(text(5))
        let old = answer.indices.contains(6) ? answer[6].bytes : nil
        traceback = Traceback.decode(base64: text(7)) ?? Traceback.decode(zlib: old)
    }
}
