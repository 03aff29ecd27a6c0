public import CarillonCore

/// One named check of a conformance suite.
public struct Check<Subject: Sendable>: Sendable, CustomStringConvertible {
    public let name: String
    public let run: @Sendable (Subject) async throws -> Void

    public init(_ name: String, _ run: @escaping @Sendable (Subject) async throws -> Void) {
        self.name = name
        self.run = run
    }

    public var description: String { name }
}

/// What a subject did that it must not.
public struct ConformanceFailure: Error, CustomStringConvertible {
    public let description: String
}

/// Throws `ConformanceFailure` unless the two are equal.
public func require<T: Equatable>(
    _ found: T, is expected: T, _ what: String = "", file: StaticString = #fileID, line: UInt = #line
) throws {
    guard found != expected else { return }
    throw ConformanceFailure(description: "\(file):\(line): \(what) expected \(expected), found \(found)")
}

/// Throws `ConformanceFailure` unless the condition holds.
public func require(
    _ condition: Bool, _ what: String, file: StaticString = #fileID, line: UInt = #line
) throws {
    guard !condition else { return }
    throw ConformanceFailure(description: "\(file):\(line): \(what)")
}

/// Throws `ConformanceFailure` unless `body` throws a `StoreError` of this code.
public func require<T>(
    throwing code: StoreError.Code, file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> T
) async throws {
    do {
        _ = try await body()
    } catch let error as StoreError where error.code == code {
        return
    } catch {
        throw ConformanceFailure(description: "\(file):\(line): expected \(code.name), found \(error)")
    }
    throw ConformanceFailure(description: "\(file):\(line): expected \(code.name), nothing was thrown")
}
