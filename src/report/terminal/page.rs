//! Headings, texts and tables that fit the width of a terminal.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, presets};

/// Narrowest width that tables are laid out for, columns.
const WIDTH_MIN: usize = 40;

/// What a piece of text looks like.
#[derive(Clone, Copy)]
pub enum Style {
    Plain,
    Heading,
    Good,
    Bad,
    Warn,
}

impl Style {
    pub fn apply(self, cell: Cell) -> Cell {
        match self {
            Self::Plain => cell,
            Self::Heading => cell.add_attribute(Attribute::Bold),
            Self::Good => cell.fg(Color::Green).add_attribute(Attribute::Bold),
            Self::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
            Self::Warn => cell.fg(Color::Yellow),
        }
    }
}

/// A page under way.
pub struct Page {
    pub out: String,
    width: usize,
    colour: bool,
}

impl Page {
    /// An empty page.
    pub fn new(width: usize, colour: bool) -> Self {
        Self { out: String::new(), width: width.clamp(WIDTH_MIN, usize::from(u16::MAX)), colour }
    }

    pub fn heading(&mut self, text: &str) {
        self.paragraph(text, Style::Heading);
    }

    pub fn paragraph(&mut self, text: &str, style: Style) {
        let mut table = self.table();
        table.add_row([style.apply(Cell::new(text))]);
        if let Some(column) = table.column_mut(0) {
            column.set_padding((0, 0));
        }
        self.out.push_str(&trimmed(&table));
    }

    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(self.width as u16);
        if self.colour {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        table
    }

    /// A table with a line below its header.
    pub fn ruled(&self) -> Table {
        let mut table = self.table();
        table.style_mut().header_separator =
            LineStyle { fill: Some('─'), junction: Some('─'), ..LineStyle::default() };
        table
    }

    /// Names and wrapped texts in two columns, without any rule.
    pub fn wrapped(&self, rows: &[(&str, String, Style)]) -> String {
        let mut table = self.table();
        for (name, text, style) in rows {
            table.add_row([style.apply(Cell::new(name)), style.apply(Cell::new(text))]);
        }
        if let Some(column) = table.column_mut(0) {
            column.set_padding((0, 1));
            let width = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0) + 1;
            column.set_constraint(comfy_table::ColumnConstraint::Absolute(comfy_table::Width::Fixed(width as u16)));
        }
        if let Some(column) = table.column_mut(1) {
            column.set_padding((0, 0));
        }
        trimmed(&table)
    }

    /// Tables with all of the figures, one below the other where they are too wide for one: each begins with the names.
    /// A figure that is broken in two is no figure.
    pub fn fitted(&self, names: &[Column], figures: Vec<Column>) -> Vec<Table> {
        // Two spaces around each column and one between two.
        let width = |columns: &[Column]| columns.iter().map(|column| column.width() + 3).sum::<usize>();
        let mut parts: Vec<Vec<Column>> = Vec::new();
        for column in figures {
            match parts.last_mut() {
                Some(part) if width(names) + width(part) + column.width() + 3 <= self.width + 1 => part.push(column),
                _ => parts.push(vec![column]),
            }
        }
        parts.iter().map(|part| self.figures_table(names, part)).collect()
    }

    fn figures_table(&self, names: &[Column], figures: &[Column]) -> Table {
        let columns = || names.iter().chain(figures);
        let mut table = self.ruled();
        table.set_header(columns().map(|column| Style::Heading.apply(Cell::new(&column.heading))));
        for row in 0..names.first().map_or(0, |column| column.cells.len()) {
            table.add_row(columns().map(|column| Cell::new(&column.cells[row])));
        }
        for column in table.column_iter_mut().skip(names.len()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// A column of a table of figures.
pub struct Column {
    pub heading: String,
    /// One a row.
    pub cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().chain([&self.heading]).map(|text| text.chars().count()).max().unwrap_or(0)
    }
}

/// The table without the spaces that fill its last column.
pub fn trimmed(table: &Table) -> String {
    table.lines().fold(String::new(), |mut text, line| {
        text.push_str(line.trim_end());
        text.push('\n');
        text
    })
}
