public import CarillonCore
import Foundation
public import Timetable

/// A token, as it is kept: its secret is known to its holder alone.
public struct AccessToken: Hashable, Sendable, Codable {
    /// What one is for that is no program's.
    public enum Use: String, Hashable, Sendable, Codable, CaseIterable {
        /// A browser has it, in a cookie.
        case session
        /// Stands in a link, and is good for one session.
        case link
    }

    /// For people, unique.
    public var name: String
    /// Of the secret, SHA-256 in hexadecimal digits.
    public var digest: String
    /// Words such as `jobs:read`.
    public var scopes: Set<String>
    public var createdAt: Timestamp
    public var expiresAt: Timestamp?
    /// To the minute.
    public var usedAt: Timestamp?
    /// Nil for a program's.
    public var use: Use?
    /// Who it is that has a session or may begin one.
    public var holder: String?

    public init(
        name: String, digest: String, scopes: Set<String>, createdAt: Timestamp, expiresAt: Timestamp?, use: Use? = nil,
        holder: String? = nil
    ) {
        self.use = use
        self.holder = holder
        self.name = name
        self.digest = digest
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// The tokens of a store, one note for all of them.
public struct AccessTokens: Sendable {
    private static let note = "api.tokens"
    private let store: any JobStore

    public init(in store: any JobStore) { self.store = store }

    /// Reads all, by their names. Throws `StoreError`.
    public func all() async throws -> [AccessToken] {
        guard let text = try await store.note(Self.note) else { return [] }
        do {
            var all = try JSONDecoder().decode([AccessToken].self, from: Data(text.utf8)).sorted { $0.name < $1.name }
            let used = try await uses()
            for place in all.indices { all[place].usedAt = used[all[place].digest] }
            return all
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.corrupt, "the store holds tokens that this build cannot read")
        }
    }

    private static let useNote = "api.tokens.used"

    private func uses() async throws -> [String: Timestamp] {
        guard let text = try await store.note(Self.useNote) else { return [:] }
        return (try? JSONDecoder().decode([String: Timestamp].self, from: Data(text.utf8))) ?? [:]
    }

    /// Notes when tokens were used, by their digests. It stands by itself: whoever notes it brings no token back that was revoked.
    public func note(used: [String: Timestamp]) async throws {
        let uses = try await uses().merging(used) { max($0, $1) }
        let known = Set(try await all().map(\.digest))
        let text = try JSONEncoder().encode(uses.filter { known.contains($0.key) })
        try await store.setNote(Self.useNote, String(decoding: text, as: UTF8.self))
    }

    /// Changes the list; nothing is written where that leaves it as it is.
    public func change(_ change: (inout [AccessToken]) throws -> Void) async throws {
        let before = try await all()
        var after = before
        try change(&after)
        if after == before { return }
        for place in after.indices { after[place].usedAt = nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        try await store.setNote(Self.note, String(decoding: try encoder.encode(after), as: UTF8.self))
    }
}

extension OrderService {
    func add(_ token: AccessToken) async throws -> String {
        guard Job.fault(inName: token.name) == nil else { throw OrderError(.bad, "a token's name is as a job's") }
        var token = token
        token.createdAt = engine.clock.now
        try await AccessTokens(in: engine.store).change { all in
            // What people have no use for any more is not kept for them to read.
            all.removeAll { $0.use != nil && $0.expiresAt.map { $0 <= token.createdAt } ?? false }
            guard !all.contains(where: { $0.name == token.name }) else {
                throw OrderError(.refused, "there is a token '\(token.name)' already; `token revoke` removes it")
            }
            all.append(token)
        }
        return "the token \(token.name) is good for \(token.scopes.sorted().joined(separator: ", "))"
    }

    func revoke(_ name: String) async throws -> String {
        try await AccessTokens(in: engine.store).change { all in
            guard all.contains(where: { $0.name == name }) else {
                throw OrderError(.unknown, "there is no token '\(name)'")
            }
            all.removeAll { $0.name == name }
        }
        return "the token \(name) is good for nothing any more"
    }
}
