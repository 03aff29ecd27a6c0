extension CronParser {
    /// Reads one item of a list: `*`, a value, a range, `H` or an extra, with or without a step (R4, R5).
    mutating func item(_ field: CronField, _ range: Range<Int>, into set: inout ValueSet) throws(ScheduleError) {
        let slash = bytes[range].firstIndex(of: 0x2F)
        let head = range.lowerBound..<(slash ?? range.upperBound)
        if bytes[head].contains(0x3F) {
            let allowed = field == .day || field == .weekday ? "? stands alone" : "? is for day and weekday only"
            throw error(field, "\(quoted(range)) is not allowed; \(allowed)", at: range.lowerBound)
        }
        guard !head.isEmpty else {
            throw error(
                field, "\(quoted(range)) has nothing before the step; write */s, a/s or a-b/s", at: range.lowerBound)
        }
        if try special(field, head) {
            guard slash == nil else {
                throw error(field, "\(quoted(range)) cannot have a step", at: range.lowerBound)
            }
            return
        }
        let step = try slash.map { slash throws(ScheduleError) in try self.step(field, slash + 1, range) }
        if bytes[head.lowerBound] == 0x48 {
            try hashed(field, head, step: step, item: range, into: &set)
        } else if head.count == 1, bytes[head.lowerBound] == 0x2A {
            insert(field, field.span(dialect), step: step ?? 1, item: range, into: &set)
        } else {
            try plain(field, head, step: step, item: range, into: &set)
        }
    }

    private func step(_ field: CronField, _ start: Int, _ range: Range<Int>) throws(ScheduleError) -> Int {
        var scanner = TextScanner(bytes[start..<range.upperBound])
        guard let step = scanner.number(), scanner.isAtEnd, step > 0 else {
            throw error(field, "\(quoted(range)) has no valid step; a step is a number from 1", at: range.lowerBound)
        }
        return step
    }

    /// Reads a value or a range.
    private mutating func plain(
        _ field: CronField, _ head: Range<Int>, step: Int?, item: Range<Int>, into set: inout ValueSet
    ) throws(ScheduleError) {
        guard let dash = bytes[head].dropFirst().firstIndex(of: 0x2D) else {
            let first = try value(field, head, item)
            let last = step == nil ? first : field.range(dialect).upperBound
            insert(field, first...last, step: step ?? 1, item: item, into: &set)
            return
        }
        let first = try value(field, head.lowerBound..<dash, item)
        var last = try value(field, (dash + 1)..<head.upperBound, item)
        if field == .weekday, dialect != .quartz, last == 0, first > 0 { last = 7 }
        if first > last, dialect == .quartz, field != .year { last += field.span(dialect).count }
        guard first <= last else {
            throw error(field, "\(quoted(item)) is a range that ends before it begins", at: item.lowerBound)
        }
        insert(field, first...last, step: step ?? 1, item: item, into: &set)
    }

    /// Reads a number or a name of the field.
    func value(_ field: CronField, _ range: Range<Int>, _ item: Range<Int>) throws(ScheduleError) -> Int {
        var scanner = TextScanner(bytes[range])
        if let number = scanner.number(), scanner.isAtEnd {
            if field.range(dialect).contains(number) { return number }
            throw error(field, "\(number) is out of range; \(field.allowed(dialect))", at: range.lowerBound)
        }
        if let number = field.number(named: bytes[range], dialect) { return number }
        if range.count > 9, bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) {
            throw error(field, "\(quoted(range)) is out of range; \(field.allowed(dialect))", at: range.lowerBound)
        }
        throw error(field, "\(quoted(item)) is not understood; \(field.allowed(dialect))", at: item.lowerBound)
    }

    /// Adds every `step`th number; one past the end of the field goes on at its beginning.
    private mutating func insert(
        _ field: CronField, _ range: ClosedRange<Int>, step: Int, item: Range<Int>, into set: inout ValueSet
    ) {
        let span = field.span(dialect)
        if step > 1, step > range.upperBound - range.lowerBound {
            warnings.append(
                "\(field.name): the step of \(quoted(item)) goes past the end, so it stands for \(range.lowerBound) alone"
            )
        }
        for value in stride(from: range.lowerBound, through: range.upperBound, by: step) {
            let wrapped = value > field.range(dialect).upperBound ? value - span.count : value
            set.insert(Self.position(of: wrapped, field, dialect))
        }
    }

    /// Reads `H` or `H(a-b)`, either with a step, as numbers taken from a hash of the job's name.
    private mutating func hashed(
        _ field: CronField, _ head: Range<Int>, step: Int?, item: Range<Int>, into set: inout ValueSet
    ) throws(ScheduleError) {
        guard field != .year else { throw error(field, "H is not for years", at: item.lowerBound) }
        var choice = field.hashRange(dialect)
        if head.count > 1 {
            let inner = (head.lowerBound + 2)..<max(head.lowerBound + 2, head.upperBound - 1)
            guard bytes[head.lowerBound + 1] == 0x28, bytes[head.upperBound - 1] == 0x29,
                let dash = bytes[inner].firstIndex(of: 0x2D)
            else {
                throw error(field, "\(quoted(item)) is not understood; write H, H(a-b) or H/s", at: item.lowerBound)
            }
            let first = try value(field, inner.lowerBound..<dash, item)
            let last = try value(field, (dash + 1)..<inner.upperBound, item)
            guard first <= last else {
                throw error(field, "\(quoted(item)) is a range that ends before it begins", at: item.lowerBound)
            }
            choice = first...last
        }
        guard let hashKey else {
            throw error(field, "H needs the name of a job to choose a value by", at: item.lowerBound)
        }
        let hash = StableHash.hash(hashKey.utf8, seed: field.rawValue)
        let offset = StableHash.reduce(hash, below: Int64(min(choice.count, step ?? choice.count)))
        let first = choice.lowerBound + Int(offset)
        insert(field, first...(step == nil ? first : choice.upperBound), step: step ?? 1, item: item, into: &set)
    }
}
