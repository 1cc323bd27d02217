#include "firmware-gw/replayed_view.h"

#include "base/text.h"
#include "firmware-gw/answers.h"
#include "storage/snapshot.h"

namespace wayside {

Result<std::unique_ptr<ReplayedView>> ReplayedView::make(const Pipeline& pipeline,
                                                         const std::string& name,
                                                         const std::string& snapshot) {
  WS_ASSIGN(auto db, Database::open(":memory:", Database::Mode::kReadWrite));
  std::unique_ptr<ReplayedView> view(new ReplayedView(std::move(db)));
  const std::vector<ViewShape> shapes = pipeline.view_shapes();
  std::vector<std::string> names;
  for (const ViewShape& shape : shapes) {
    names.push_back(shape.name);
    if (shape.name == name) view->shape_ = shape;
  }
  if (view->shape_.name.empty()) {
    const auto near = nearest(name, names);
    return Error{ErrorCode::kUsage, "there is no view '" + name + "'" +
                                        (near ? "; did you mean '" + *near + "'?" : "")};
  }
  if (!snapshot.empty()) WS_TRY(view->load(snapshot));
  WS_TRY(view->db_->exec(ViewTables::schema()));
  WS_TRY(view->tables_.set(shapes));
  view->tables_.committed();
  return view;
}

Status ReplayedView::load(const std::string& snapshot) {
  WS_TRY(db_->attach(snapshot, "snapshot"));
  WS_TRY(copy_tables(*db_, "snapshot", "main", [](std::string_view table) {
    return table.starts_with("view");  // that of the views, and theirs
  }));
  return db_->exec("DETACH snapshot");
}

Status ReplayedView::take(const ViewChanges& changes, uint64_t entry) {
  WS_TRY(db_->begin());
  WS_TRY(tables_.apply(changes, entry));
  tables_.committed();
  return db_->exec("COMMIT");
}

Status ReplayedView::write(const std::function<void(std::string_view line)>& write) {
  return tables_.for_each_row(shape_.name, [&](const ViewRow& row, int64_t time_ms) {
    std::string line = json_of(row);
    line.back() = ',';
    write(line + "\"time\":" + std::to_string(time_ms) + '}');
  });
}

}  // namespace wayside
