import CarillonCore
package import Timetable

/// The text of one mail.
package struct Digest: Sendable {
    /// Notices told one by one; the rest is counted.
    package static let mostListed = 100
    /// Lines of the table of jobs.
    private static let mostJobs = 50
    /// Up to here a mail needs no table.
    private static let few = 10

    private let gathered: NoticeBatch
    private let host: String
    private let failures: Int
    /// Of each group, failures first, how many are listed.
    private let chapters: [(group: NoticeBatch.Group, listed: Int)]
    /// Whose times are in which zone; UTC without.
    package var zones: [String: Zone] = [:]

    /// Makes a mail; `failures` is how often it could not be sent before.
    package init(_ gathered: NoticeBatch, host: String, failures: Int = 0) {
        self.gathered = gathered
        self.host = host
        self.failures = failures
        chapters = Self.chapters(of: gathered)
    }

    /// Gives each job its share: one of each in turn, until the mail is full.
    private static func chapters(of gathered: NoticeBatch) -> [(group: NoticeBatch.Group, listed: Int)] {
        var left = mostListed
        var chapters: [(group: NoticeBatch.Group, listed: Int)] = []
        for occasion in MailOccasion.allCases {
            var some = gathered.groups.filter { $0.occasion == occasion }.map { (group: $0, listed: 0) }
            for turn in 0..<NoticeBatch.mostOfOneJob {
                for index in some.indices where left > 0 && turn < some[index].group.notices.count {
                    some[index].listed += 1
                    left -= 1
                }
            }
            chapters += some
        }
        return chapters
    }

    /// The jobs whose times are shown.
    package var jobs: Set<String> { Set(chapters.filter { $0.listed > 0 }.map(\.group.job)) }

    package var subject: String {
        var names: [String] = []
        for chapter in chapters where names.count < 4 && !names.contains(chapter.group.job) {
            names.append(chapter.group.job)
        }
        let some = names.prefix(3).map { MailText.plain($0.count > 40 ? $0.prefix(39) + "…" : $0[...]) }
        let list = some.joined(separator: ", ") + (names.count > 3 ? ", …" : "")
        return "Carillon on \(host): \(headline) (\(list))"
    }

    /// `3 runs failed, 2 jobs missed times`; a stretch of missed times is recorded as one, however many they are.
    private var headline: String {
        var parts: [String] = []
        if let count = gathered.counts[.failed] { parts.append(MailText.counted(count, "run") + " failed") }
        if gathered.counts[.missed] != nil {
            let count = gathered.groups.count { $0.occasion == .missed }
            let more = count < NoticeBatch.most ? "" : " or more"
            parts.append(MailText.counted(count, "job") + more + " missed times")
        }
        if let count = gathered.counts[.queued] { parts.append(MailText.counted(count, "run") + " queued") }
        return parts.joined(separator: ", ")
    }

    package var text: String {
        var lines = ["Carillon on \(host): \(headline)."]
        if failures > 0 {
            lines.append("This mail could not be sent before; it was tried \(MailText.counted(failures, "time")).")
        }
        if gathered.count > Self.few { lines += [""] + table }
        var listed = 0
        for (group, count) in chapters where count > 0 {
            listed += count
            for notice in group.notices.prefix(count) {
                lines += [""] + NoticeText(notice, zone: zones[group.job]).lines
            }
            if group.count > count {
                lines += [
                    "", "… and \(MailText.number(group.count - count)) more of \(MailText.plain(group.job[...])).",
                ]
            }
        }
        if gathered.count > listed {
            lines += ["", "\(MailText.number(gathered.count - listed)) more are not listed here."]
        }
        lines += ["", "More: carillon runs show RUN, carillon runs list --job JOB, carillon why JOB TIME"]
        return lines.joined(separator: "\n") + "\n"
    }

    private var table: [String] {
        var lines: [String] = []
        for (group, _) in chapters.prefix(Self.mostJobs) {
            let what =
                switch group.occasion {
                case .failed: "failed"
                case .missed: "missed"
                case .queued: "queued"
                }
            let count = MailText.number(group.count)
            lines.append(
                "  " + String(repeating: " ", count: max(0, 9 - count.count)) + "\(count) \(what)  "
                    + MailText.plain(group.job[...]))
        }
        if chapters.count > Self.mostJobs {
            lines.append("  … and \(MailText.number(chapters.count - Self.mostJobs)) more lines of other jobs")
        }
        return lines
    }
}
