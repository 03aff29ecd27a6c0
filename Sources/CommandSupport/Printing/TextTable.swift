import CTerminal
import CarillonCore

/// Rows in columns that fit the terminal; in a pipe nothing is cut.
package struct TextTable {
    /// A column, and how soon it gives way when the terminal is too narrow.
    package struct Column: ExpressibleByStringLiteral {
        fileprivate enum Room: Int, Comparable {
            /// Never cut: half of it would say something else.
            case fixed
            case shrinks
            /// Cut before all others, down to nothing.
            case first

            static func < (a: Room, b: Room) -> Bool { a.rawValue < b.rawValue }
        }

        fileprivate let head: String
        fileprivate var room: Room

        package init(stringLiteral head: String) {
            self.head = head
            room = .shrinks
        }

        /// What must be whole: an id, a time, a state.
        package static func fixed(_ head: String) -> Column {
            var column = Column(stringLiteral: head)
            column.room = .fixed
            return column
        }

        /// What is cut before anything else: a remark.
        package static func first(_ head: String) -> Column {
            var column = Column(stringLiteral: head)
            column.room = .first
            return column
        }

        fileprivate var least: Int { room == .first ? 0 : 8 }
    }

    package struct Cell {
        var text: String
        var colour: Terminal.Colour?

        package init(_ text: String, _ colour: Terminal.Colour? = nil) {
            self.text = text.oneLine
            self.colour = colour
        }
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    package init(_ columns: Column...) { self.columns = columns }

    package mutating func add(_ cells: Cell...) { rows.append(cells) }

    package func print(width: Int? = Terminal.limit) {
        for line in lines(width: width) { say(line) }
    }

    /// The table in as many cells of a terminal, or as wide as it is.
    package func lines(width: Int?) -> [Line] {
        var widths = columns.map { $0.head.cells }
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.text.cells) }
        }
        if let width { fit(&widths, into: width) }
        return [line(columns.map { Cell($0.head, .bold) }, widths)] + rows.map { line($0, widths) }
    }

    private func fit(_ widths: inout [Int], into width: Int) {
        func whole() -> Int { widths.reduce(0) { $0 + ($1 == 0 ? 0 : $1 + 2) } - 2 }
        for room in [Column.Room.first, .shrinks] {
            while whole() > width {
                let able = columns.indices.filter { columns[$0].room == room && widths[$0] > columns[$0].least }
                guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { break }
                widths[widest] -= 1
                // A few letters of a remark say nothing.
                if room == .first, widths[widest] < 6 { widths[widest] = 0 }
            }
        }
    }

    private func line(_ cells: [Cell], _ widths: [Int]) -> Line {
        var line: Line = ""
        var gap = 0
        for (column, cell) in cells.enumerated() where widths[column] > 0 {
            let text = cell.text.cut(to: widths[column])
            if text.isEmpty {
                gap += widths[column] + 2
                continue
            }
            line =
                line + "\(String(repeating: " ", count: gap))"
                + (cell.colour.map { Terminal.paint(text, $0) } ?? "\(text)")
            gap = widths[column] - text.cells + 2
        }
        return line
    }
}

extension String {
    /// How many cells of a terminal it takes: with characters of several scalars counted once.
    package var cells: Int {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
        return reduce(0) { $0 + $1.cells }
    }

    /// As much of it as fits into so many cells, with an ellipsis when that is not all.
    package func cut(to width: Int) -> String {
        if cells <= width { return self }
        var text = ""
        var left = width - 1
        for character in self {
            left -= character.cells
            if left < 0 { break }
            text.append(character)
        }
        return text + "…"
    }

    /// Filled up with blanks to so many cells, and with one at least.
    package func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - cells)) }
}

extension Character {
    fileprivate var cells: Int {
        // An emoji that is asked for by a selector, or put together of several, takes two.
        if unicodeScalars.contains(where: { $0.value == 0xFE0F || $0.value == 0x200D }) { return 2 }
        return unicodeScalars.reduce(0) { max($0, Int(cterminal_width($1.value))) }
    }
}
