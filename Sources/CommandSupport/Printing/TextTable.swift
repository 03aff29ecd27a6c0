import CarillonCore

/// Rows in columns that fit the terminal: the widest column gives way first.
package struct TextTable {
    private let heads: [String]
    private var rows: [[Cell]] = []

    package struct Cell {
        var text: String
        var colour: Terminal.Colour?

        package init(_ text: String, _ colour: Terminal.Colour? = nil) {
            self.text = text.oneLine
            self.colour = colour
        }
    }

    package init(_ heads: String...) { self.heads = heads }

    package mutating func add(_ cells: Cell...) { rows.append(cells) }

    package func print() {
        var widths = heads.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        }
        let gaps = 2 * (widths.count - 1)
        while widths.reduce(gaps, +) > Terminal.width, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > 12
        {
            widths[widest] -= 1
        }
        say(line(heads.map { Cell($0, .bold) }, widths))
        for row in rows { say(line(row, widths)) }
    }

    private func line(_ cells: [Cell], _ widths: [Int]) -> Line {
        var line: Line = ""
        for (column, cell) in cells.enumerated() {
            var text = cell.text
            if text.count > widths[column] { text = text.prefix(widths[column] - 1) + "…" }
            let isLast = column == cells.count - 1
            let pad = isLast ? "" : String(repeating: " ", count: widths[column] - text.count + 2)
            line = line + (cell.colour.map { Terminal.paint(text, $0) } ?? "\(text)") + "\(pad)"
        }
        return line
    }
}
