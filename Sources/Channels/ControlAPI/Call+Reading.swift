package import CarillonConfiguration
import CarillonCore
import Foundation
import Timetable

extension Endpoint.Parameter {
    static let limit = Self("limit", "Entries at most.", .whole(from: 1, through: 1_000))
    static let cursor = Self("cursor", "What `next` of the page before says.")
    static let since = Self("since", "At or after a time, RFC 3339.", .time)
    static let until = Self("until", "At or before a time, RFC 3339.", .time)

    /// Of a list that has no pages.
    static let longLimit = Self("limit", "Entries at most.", .whole(from: 1, through: 100_000))

    static func choices<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ words: String, _ type: Word.Type
    ) -> Self {
        Self(name, words, .words(type.allCases.map(\.rawValue)), isList: true)
    }

    static func choice<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ words: String, _ type: Word.Type
    ) -> Self {
        Self(name, words, .words(type.allCases.map(\.rawValue)))
    }
}

/// A place in a list, as clients carry it from page to page: nothing is promised of what it says.
struct Cursor {
    let text: String

    init(_ place: String) {
        text = Data(place.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }

    /// Reads one; nil for what is none.
    static func place(_ text: String) -> String? {
        var text = text.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: text).flatMap { String(data: $0, encoding: .utf8) }
    }
}

extension StringProtocol {
    package func trimming(_ isGone: (Character) -> Bool) -> SubSequence {
        var rest = self[...]
        while let first = rest.first, isGone(first) { rest = rest.dropFirst() }
        while let last = rest.last, isGone(last) { rest = rest.dropLast() }
        return rest
    }
}

/// Reads what a request says, each by its kind. Throws `APIError` of status 400 that names the parameter.
extension Call {
    /// Reads the body as JSON.
    package func node() throws -> ConfigNode {
        // What is mended silently would be another name than the one that was given.
        guard let text = String(validating: body, as: UTF8.self) else {
            throw APIError.bad("the body is no JSON: it is not UTF-8")
        }
        do {
            return try ConfigDocument.read(text, format: .json, path: "body")
        } catch {
            throw APIError.bad("the body is no JSON: \(error.message)")
        }
    }

    package func table() throws -> ConfigTable { ConfigTable(try node(), source: "body") }

    func number(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        guard let text = query[name] else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            let most = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
            throw APIError.bad("\(name): expected a whole number, \(range.lowerBound) \(most), found '\(text)'", name)
        }
        return number
    }

    func limit(_ usual: Int, _ most: Int) throws -> Int {
        Int(try number("limit", in: 1...Int64(most)) ?? Int64(usual))
    }

    func time(_ name: String) throws -> Timestamp? {
        guard let text = query[name] else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw APIError.bad("\(name): expected a time such as 2026-11-22T19:00:00Z, found '\(text)'", name)
        }
        return time
    }

    func needed(_ name: String) throws -> Timestamp {
        guard let time = try time(name) else { throw APIError.bad("\(name): is missing", name) }
        return time
    }

    func choice<Word: RawRepresentable<String> & CaseIterable>(_ name: String, _ type: Word.Type) throws -> Word? {
        guard let text = query[name] else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = type.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError.bad("\(name): expected one of \(words), found '\(text)'", name)
        }
        return word
    }

    /// Reads what may be given several times.
    func list(_ name: String) -> [String] {
        query[name]?.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) ?? []
    }

    func choices<Word: RawRepresentable<String> & CaseIterable & Hashable>(
        _ name: String, _ type: Word.Type
    ) throws -> Set<Word> {
        Set(
            try list(name).map { text in
                guard let word = Word(rawValue: text) else {
                    let words = type.allCases.map(\.rawValue).joined(separator: ", ")
                    throw APIError.bad("\(name): expected some of \(words), found '\(text)'", name)
                }
                return word
            })
    }

    func cursor() throws -> String? {
        guard let text = query["cursor"] else { return nil }
        guard let place = Cursor.place(text) else { throw APIError.bad("cursor: is none of this list's", "cursor") }
        return place
    }

    func runCursor() throws -> RunPlace? {
        guard let words = try cursor()?.split(separator: " ") else { return nil }
        guard words.count == 2, let time = Int64(words[0]), let id = RunID(words[1]) else {
            throw APIError.bad("cursor: is none of this list's", "cursor")
        }
        return RunPlace(scheduledAt: Timestamp(microseconds: time), id: id)
    }
}
