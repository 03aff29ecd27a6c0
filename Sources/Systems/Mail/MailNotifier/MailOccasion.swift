import CarillonCore

/// What a mail may be about; the order is that of a mail.
public enum MailOccasion: Int, Sendable, Codable, CaseIterable {
    case failed, missed, queued
}

extension Notice {
    package var occasion: MailOccasion {
        switch self {
        case .failed: .failed
        case .missed, .passedOver: .missed
        case .queued: .queued
        }
    }

    package var job: String {
        switch self {
        case .failed(let run), .passedOver(let run): run.job
        case .missed(let skip): skip.job
        case .queued(_, let job, _): job
        }
    }
}
