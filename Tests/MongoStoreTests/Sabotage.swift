#if MongoDB
    import MongoClient
    import MongoStore

    /// A rule of the store that is not kept: the story must tell.
    enum Sabotage: String, CaseIterable, Sendable {
        /// Runs are recorded whoever has taken them.
        case recordsWithoutEpoch
        /// Who takes shards leaves their runs under the epochs before.
        case takesWithoutStamp
        /// What an earlier holder has decided is nobody's.
        case openingsUnseen
        /// A decision says nothing of the runs that follow.
        case openingUnsaid
        /// Shards change hands whoever has them.
        case givenWithoutEpoch
        /// What an occurrence was counted too much stays so.
        case countsKept

        func hides(_ collection: String, _ filter: DocumentFilter) -> Bool {
            self == .openingsUnseen && collection == "jobs"
                && (filter.conditions.contains(.exists("opening")) || filter.conditions.contains(.exists("opening.by")))
        }

        func spoil(_ collection: String, _ update: inout DocumentUpdate) {
            let isDecision = update.change.steps.contains { if case .set("decision", _) = $0 { true } else { false } }
            switch self {
            case .recordsWithoutEpoch where collection == "runs":
                update.filter.conditions.removeAll { if case .isAtMost("by", _) = $0 { true } else { false } }
            case .takesWithoutStamp where collection == "runs":
                if update.change.steps.count == 1 {
                    update.change.steps.removeAll { if case .set("by", _) = $0 { true } else { false } }
                }
            case .openingUnsaid where isDecision:
                update.change.steps.removeAll { if case .set("opening", _) = $0 { true } else { false } }
            case .givenWithoutEpoch where collection == "shards":
                update.change.steps.removeAll { if case .set("epoch", _) = $0 { true } else { false } }
            case .countsKept where collection == "jobs":
                update.change.steps.removeAll { if case .add("opened", let count) = $0 { count < 0 } else { false } }
            default: break
            }
        }
    }
#endif
