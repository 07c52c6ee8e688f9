/// Names that someone who wrote another one may have meant.
enum NearNames {
    /// Names told at most.
    static let namesMax = 3
    /// Letters that may be wrong, left out, too many, or swapped with their neighbor.
    private static let distanceMax = 2
    /// What a person has typed is no longer; a longer one is near nothing.
    private static let lengthMax = 64

    /// Those of `names` that are near `text`, nearest first.
    static func near(_ text: String, among names: [String]) -> [String] {
        guard text.utf8.count <= lengthMax else { return [] }
        let letters = Array(text.lowercased())
        let allowed = min(distanceMax, letters.count / 3)
        let ranked = names.map { (name: $0, distance: distance(letters, Array($0.lowercased()))) }
            .filter { $0.distance <= allowed && $0.name != text }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return ranked.prefix(namesMax).map(\.name)
    }

    /// Digits of a number that is looked at.
    private static let digitsMax = 10

    /// The numbers with two neighboring digits swapped.
    static func swapped(_ number: String) -> [String] {
        let digits = Array(number)
        guard digits.count <= digitsMax else { return [] }
        return digits.indices.dropLast().map { position in
            var other = digits
            other.swapAt(position, position + 1)
            return String(other)
        }
    }

    /// The numbers with one digit another.
    static func substituted(_ number: String) -> [String] {
        let digits = Array(number)
        guard digits.count <= digitsMax else { return [] }
        return digits.indices.flatMap { position in
            "0123456789".filter { $0 != digits[position] }.map { digit in
                var other = digits
                other[position] = digit
                return String(other)
            }
        }
    }

    /// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbors.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, letter) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(rows[i][j] + (letter == other ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
